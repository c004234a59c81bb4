package postgrestest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// Filled is an audit trail that FillAudit made up: what can be searched in it.
type Filled struct {
	Rows, Candidates, Applications, Assessors int
	From, To                                  time.Time // first moment, first moment after
}

// FilledMonths is over how many months the rows of FillAudit are spread, up to now.
const FilledMonths = 24

// How many distinct values stand in the filled trail.
const (
	rowsOfApplication  = 160 // evidence, rounds, tasks, verdicts, decisions
	filledAssessors    = 400
	filledStandards    = 60
	applicationsPerTen = 12 // of ten candidates
)

// Candidate is one of the candidates.
func (f Filled) Candidate() person.ID { return person.ID(fmt.Sprintf("fc%d", rand.IntN(f.Candidates))) }

// Application is one of the applications.
func (f Filled) Application(tb testing.TB, r *Record) application.ID {
	tb.Helper()
	db, err := postgres.Connect(r.DB.Superuser)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var id application.ID
	if err := db.Get(&id, `SELECT md5('fa' || $1::int)::uuid`, rand.IntN(f.Applications)); err != nil {
		tb.Fatal(err)
	}
	return id
}

// Assessor is one of the assessors.
func (f Filled) Assessor() person.ID { return person.ID(fmt.Sprintf("fs%d", rand.IntN(f.Assessors))) }

// Standard is the key of one of the standards.
func (f Filled) Standard() string { return fmt.Sprintf("standard-%d", rand.IntN(filledStandards)) }

// Moment is a time in the trail.
func (f Filled) Moment() time.Time {
	return f.From.Add(time.Duration(rand.Int64N(int64(f.To.Sub(f.From)))))
}

// FillAudit puts rows into the audit trail over the last 24 months, as large and as
// varied as a real one, and the people and applications that they name. They are
// written past every rule: only the trail can be searched, sealed and verified; the
// cases have no facts. The real sealer seals them.
func FillAudit(tb testing.TB, r *Record, rows int) Filled {
	tb.Helper()
	db, err := postgres.Connect(r.DB.Superuser)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx := context.Background()
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month()-FilledMonths+1, 1, 0, 0, 0, 0, time.UTC)
	f := Filled{Rows: rows, Applications: max(1, rows/rowsOfApplication), Assessors: filledAssessors, From: first, To: now}
	f.Candidates = max(1, f.Applications*10/applicationsPerTen)
	run := func(text string, args ...any) error {
		_, err := db.ExecContext(ctx, text, args...)
		return err
	}
	must := func(text string, args ...any) {
		tb.Helper()
		if err := run(text, args...); err != nil {
			tb.Fatal(err)
		}
	}
	must(`SELECT ensure_partitions($1::date, $2)`, first.Format(time.DateOnly), FilledMonths)
	must(`INSERT INTO person (id, name, contact, at) SELECT 'fc' || n, '\x00', '\x00', $2 FROM generate_series(0, $1::int - 1) AS n`, f.Candidates, first)
	must(`INSERT INTO person (id, name, contact, at) SELECT 'fs' || n, '\x00', '\x00', $2 FROM generate_series(0, $1::int - 1) AS n`, f.Assessors, first)
	must(`INSERT INTO application (id, candidate, standard, procedure, opened_at, state, position)
SELECT md5('fa' || n)::uuid, 'fc' || n % $2::int, (SELECT digest FROM standard LIMIT 1), (SELECT digest FROM procedure LIMIT 1),
       $3::timestamptz + n * ($4::timestamptz - $3::timestamptz) / $1::int, 'withdrawn', 1
  FROM generate_series(0, $1::int - 1) AS n`, f.Applications, f.Candidates, first, now)
	// Months are filled side by side, each in its own transaction: with two
	// connections both cores of a small machine are busy.
	months := make(chan int, FilledMonths)
	failed := make(chan error, FilledMonths)
	for m := range FilledMonths {
		months <- m
	}
	close(months)
	var filling sync.WaitGroup
	for range 2 {
		filling.Go(func() {
			for m := range months {
				if err := run(fillMonth, rows, m, FilledMonths, first, now, f.Applications, f.Candidates, filledAssessors, filledStandards); err != nil {
					failed <- fmt.Errorf("month %d: %w", m, err)
				}
			}
		})
	}
	filling.Wait()
	close(failed)
	for err := range failed {
		tb.Fatal(err)
	}
	must(`VACUUM (ANALYZE) audit`)
	return f
}

// fillMonth makes the rows $2 * $1/$3 to ($2+1) * $1/$3 of all. An application's
// rows lie within about three months; of ten rows four are the candidate's, three
// an assessor's and three the system's.
const fillMonth = `
INSERT INTO audit (at, id, actor, role, act, application, candidate, standard, object, position, request, payload, records)
SELECT r.at, (lpad(to_hex((extract(epoch FROM r.at) * 1000)::bigint), 12, '0') || '7' || substr(md5('fi' || r.n), 1, 3) || '8' || substr(md5('fi' || r.n), 5, 15))::uuid,
       r.actor, r.role, r.act, md5('fa' || r.app)::uuid, 'fc' || r.app % $7::int, 'standard-' || r.app % $9::int,
       md5('fo' || r.n)::uuid::text, r.n % 160 + 1, CASE WHEN r.role = 'system' THEN '' ELSE md5('fr' || r.n)::uuid::text END,
       sha256(convert_to('payload' || r.n, 'UTF8')),
       ARRAY['event ' || md5('fe' || r.n)::uuid || ' ' || encode(sha256(convert_to('event' || r.n, 'UTF8')), 'hex'),
             'evidence_item ' || md5('fo' || r.n)::uuid || ' ' || encode(sha256(convert_to('row' || r.n, 'UTF8')), 'hex')]
  FROM (
    SELECT s.n, s.at, s.app, k.act, k.role,
           CASE k.role WHEN 'cand' THEN 'fc' || s.app % $7::int WHEN 'asr' THEN 'fs' || (s.app + s.n % 3) % $8::int ELSE '~kutse' END AS actor
      FROM (
        SELECT n, $4::timestamptz + (n::float8 / $1::int) * ($5::timestamptz - $4::timestamptz) AS at,
               LEAST(GREATEST((n::float8 / $1::int * 1.125 - random() * 0.125) * $6::int, 0), $6::int - 1)::int AS app
          FROM generate_series($2::bigint * $1::int / $3::int, ($2::bigint + 1) * $1::int / $3::int - 1) AS n
      ) AS s,
      LATERAL (SELECT (ARRAY['evidence.submit', 'evidence.submit', 'evidence.submit', 'competence.hand-in', 'task.claim', 'verdict.give', 'verdict.give',
                             'assessment.open', 'competence.weigh', 'assessment.open'])[s.n % 10 + 1] AS act,
                      (ARRAY['cand', 'cand', 'cand', 'cand', 'asr', 'asr', 'asr', 'system', 'system', 'system'])[s.n % 10 + 1] AS role) AS k
  ) AS r`
