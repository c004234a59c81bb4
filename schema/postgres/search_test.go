package postgres_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// whole reads a search from its first page to its last and returns the ids.
func whole(t *testing.T, r *postgrestest.Record, q request.AuditPage) []string {
	t.Helper()
	ids := []string{}
	q.Purpose = reading.Audit
	for {
		page, err := r.Audit(t.Context(), postgrestest.Auditor, q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, row := range page.Rows {
			ids = append(ids, row.ID)
		}
		if page.Next == "" || page.Next == q.After {
			return ids
		}
		q.After = page.Next
	}
}

// Every search is compared with a query that says the same in the plainest way.
func TestASearchFindsWhatTheTrailHolds(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	f := postgrestest.FillAudit(t, r, 25_000) // more of one act than a page looks at
	db := connect(t, r.DB.Superuser)
	app := f.Application(t, r)
	candidate, assessor := f.Candidate(), f.Assessor()
	var acted struct{ Actor, Candidate string }
	if err := db.Get(&acted, `SELECT actor, candidate FROM audit WHERE role = 'asr' ORDER BY id LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	from, to := f.From.AddDate(0, 5, 3), f.From.AddDate(0, 11, 0)
	span := func(q request.AuditPage) request.AuditPage {
		q.From, q.To = &from, &to
		return q
	}
	searches := map[string]request.AuditPage{
		"everything":              {},
		"an application":          {Application: app},
		"a candidate":             {Candidate: candidate},
		"an assessor":             {Actor: assessor},
		"what workflows did":      {Actor: person.System},
		"a standard":              {Standard: "standard-7"},
		"an act":                  {Act: "verdict.give"},
		"an act in a standard":    {Act: "evidence.submit", Standard: "standard-7"},
		"workflows in a standard": {Actor: person.System, Standard: "standard-7"},
		"an assessor's candidate": {Actor: person.ID(acted.Actor), Candidate: person.ID(acted.Candidate)},
		"a candidate's act":       {Candidate: candidate, Act: "task.claim"},
		"what never happened":     {Act: "nothing.happens"},
		"whom nobody knows":       {Candidate: "nobody"},
		"others' application":     {Application: app, Candidate: "c1"},
		"a rare act among many":   {Act: "evidence.submit", Standard: "no-such"},
	}
	for name, q := range searches {
		for _, q := range []request.AuditPage{q, span(q)} {
			for _, q.Newest = range []bool{false, true} {
				var want []string
				order := "at, id"
				if q.Newest {
					order = "at DESC, id DESC"
				}
				if err := db.Select(&want, `SELECT id FROM audit WHERE ($1 = '' OR application::text = $1) AND ($2 = '' OR candidate = $2) AND ($3 = '' OR actor = $3)
  AND ($4 = '' OR standard = $4) AND ($5 = '' OR act = $5) AND ($6::timestamptz IS NULL OR at >= $6) AND ($7::timestamptz IS NULL OR at < $7) ORDER BY `+order,
					string(q.Application), string(q.Candidate), string(q.Actor), q.Standard, q.Act, q.From, q.To); err != nil {
					t.Fatal(err)
				}
				if got := whole(t, r, q); !slices.Equal(got, want) {
					t.Errorf("%s, newest %v, in a span %v: %d rows, want %d in the same order", name, q.Newest, q.From != nil, len(got), len(want))
				}
			}
		}
	}
}

// A page costs about the same whatever is searched: where little is let through it
// comes short, and the last one says that it is the last.
func TestAPageLooksAtSoManyRowsAndNoMore(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	rows := 3 * postgres.Scanned
	postgrestest.FillAudit(t, r, rows)
	q := request.AuditPage{Actor: person.System, Act: "nothing.happens", Standard: "no-such"}
	pages := 0
	for ; ; pages++ {
		page, err := r.Audit(t.Context(), postgrestest.Auditor, q)
		if err != nil || len(page.Rows) > 0 {
			t.Fatalf("page %d: %d rows, %v; want none", pages, len(page.Rows), err)
		}
		if page.Next == "" {
			break
		}
		q.After = page.Next
	}
	if pages != 0 { // led by the act, of which there is none
		t.Errorf("%d pages for an act that never was, want one", pages+1)
	}
	q = request.AuditPage{Act: "evidence.submit", Standard: "no-such"}
	for pages = 1; ; pages++ {
		page, err := r.Audit(t.Context(), postgrestest.Auditor, q)
		if err != nil {
			t.Fatal(err)
		}
		if page.Next == "" {
			break
		}
		q.After = page.Next
	}
	if want := rows*3/10/postgres.Scanned + 1; pages != want && pages != want+1 {
		t.Errorf("%d pages over %d rows of the leading filter, want %d", pages, rows*3/10, want)
	}
}

func TestACursorIsOneThatAPageGave(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	for _, after := range []string{"x", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z,", ",00000000-0000-0000-0000-000000000000", "2026-01-01T00:00:00Z,' OR 1"} {
		if _, err := r.Audit(t.Context(), postgrestest.Auditor, request.AuditPage{After: after}); err == nil {
			t.Errorf("after %q: no error", after)
		}
	}
	// A cursor from elsewhere does not widen the span that is searched.
	rows, err := r.Audit(t.Context(), postgrestest.Auditor, request.AuditPage{Limit: 3})
	if err != nil || len(rows.Rows) != 3 {
		t.Fatal(rows, err)
	}
	from := rows.Rows[2].At
	page, err := r.Audit(t.Context(), postgrestest.Auditor, request.AuditPage{From: &from, After: "2020-01-01T00:00:00Z,00000000-0000-0000-0000-000000000000", Limit: 1})
	if err != nil || page.Rows[0].At.Before(from) {
		t.Errorf("%+v, %v; want rows from %s on", page.Rows, err, from)
	}
}

// scans is what a plan must not do: read a whole table, sort, or walk an index that
// does not begin with the leading column. An index condition says where a walk begins.
var (
	badScan = regexp.MustCompile(`Seq Scan|Bitmap|Sort  \(|Sort Key: led|Incremental`)
	walked  = regexp.MustCompile(`Index (?:Only )?Scan (?:Backward )?using ((?:audit|reading)_\d{6}_\w+)`)
)

func TestEverySearchWalksTheIndexOfItsLeadingFilter(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("fills a trail of 200,000 rows")
	}
	r := postgrestest.New(t)
	f := postgrestest.FillAudit(t, r, 200_000)
	db := connect(t, r.DB.Service)
	for table, walks := range postgres.Walks() {
		for _, text := range walks {
			tx := db.MustBegin()
			if _, err := tx.Exec(postgres.OnePlan()); err != nil {
				t.Fatal(err)
			}
			name := "w" + strings.ToLower(fmt.Sprintf("%p", &text))
			if _, err := tx.Exec("PREPARE " + name + " AS " + text); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			// One month's bounds: of the 24 partitions one or two are left.
			begin, bound := f.From.AddDate(0, 7, 0), f.From.AddDate(0, 8, 0)
			if strings.Contains(text, "at <= $2") {
				begin, bound = bound, begin
			}
			first := "''"
			if strings.Contains(text, "$1::uuid") {
				first = "'" + string(f.Application(t, r)) + "'"
			}
			args := []string{first, quoteTime(begin), "'00000000-0000-0000-0000-000000000000'", quoteTime(bound), "50"}
			for n := 6; strings.Contains(text, fmt.Sprintf("$%d", n)); n++ {
				args = append(args, "''")
			}
			var plan []string
			if err := tx.Select(&plan, "EXPLAIN EXECUTE "+name+"("+strings.Join(args, ", ")+")"); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			whole := strings.Join(plan, "\n")
			used := walked.FindAllStringSubmatch(whole, -1)
			if badScan.MatchString(whole) || len(used) == 0 {
				t.Errorf("a search of %s\n%s\nis planned as\n%s", table, text, whole)
			}
			if len(used) > 2 || (table == "audit" && !strings.Contains(whole, "Subplans Removed")) {
				t.Errorf("a search of %s within a month goes through %d partitions:\n%s", table, len(used), whole)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func quoteTime(at time.Time) string { return "'" + at.Format(time.RFC3339) + "'" }

func TestASearchOfATrailNamesItsPlaceInTheLog(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Superuser)
	if _, err := db.Exec(`INSERT INTO log_entry (year, position, at, audit, hash) SELECT 2026, 5, at, id, sha256('') FROM audit WHERE application = $1 LIMIT 1`, s.app); err != nil {
		t.Fatal(err)
	}
	s.submit("B.2.8/1")
	page, err := s.Audit(s.ctx, postgrestest.Auditor, request.AuditPage{Application: s.app, Purpose: reading.Audit})
	if err != nil || len(page.Rows) != 2 {
		t.Fatal(page.Rows, err)
	}
	if at := page.Rows[0].Sealed; at == nil || *at != (request.Sealed{Year: 2026, Position: 5}) {
		t.Errorf("the sealed row stands at %+v, want 5 in 2026", at)
	}
	if page.Rows[1].Sealed != nil {
		t.Errorf("the row that is not sealed stands at %+v", page.Rows[1].Sealed)
	}
	if got := page.Rows[1]; got.Candidate != "c1" || got.Standard != itManager || got.Request == "" || got.Application != s.app {
		t.Errorf("the row of evidence says %+v", got)
	}
}
