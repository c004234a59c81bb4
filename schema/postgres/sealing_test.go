package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// ring holds the keys of one test's logs, in memory.
type ring struct {
	t    testing.TB
	mu   sync.Mutex
	keys map[int][]postgres.LogKey // by year, oldest first
}

func newRing(t testing.TB) *ring { return &ring{t: t, keys: map[int][]postgres.LogKey{}} }

func (r *ring) add(year int) postgres.LogKey {
	skey, vkey, err := merkle.NewKey(merkle.Origin("kutse.test", year))
	if err != nil {
		r.t.Fatal(err)
	}
	signer, err := merkle.NewSigner(skey)
	if err != nil {
		r.t.Fatal(err)
	}
	k := postgres.LogKey{VKey: vkey, Signer: signer}
	r.keys[year] = append(r.keys[year], k)
	return k
}

// vkey is the first key of a year's log: what a council would have pinned.
func (r *ring) vkey(year int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[year][0].VKey
}

// Signing implements postgres.Signers.
func (r *ring) Signing(year int, last string) (postgres.Signing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys[year]) == 0 {
		r.add(year)
	}
	keys := r.keys[year]
	s := postgres.Signing{Origin: merkle.Origin("kutse.test", year), Now: keys[len(keys)-1]}
	for i, k := range keys {
		if k.VKey == last && i+1 < len(keys) {
			s.Now, s.Next = k, &keys[i+1]
		}
	}
	return s, nil
}

// sealAll seals until every row has its place. A transaction of another test on the
// same cluster holds sealing up, as a slow act does.
func sealAll(t testing.TB, r *postgrestest.Record, keys postgres.Signers) {
	t.Helper()
	db := superuser(t, r)
	until(t, "every row to be sealed", func() bool {
		if _, err := r.Seal(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		var open int
		if err := db.Get(&open, `SELECT count(*) FROM kutse.audit a WHERE NOT EXISTS (SELECT 1 FROM kutse.log_entry e WHERE e.audit = a.id)`); err != nil {
			t.Fatal(err)
		}
		return open == 0
	})
}

// until looks again and again: a row may have to wait for the transactions of others.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	late, again := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// doorFiles reads a log's published form as a person does.
type doorFiles struct {
	*postgres.Store
	as postgres.Actor
}

// ReadFile implements merkle.Source.
func (d doorFiles) ReadFile(ctx context.Context, name string) ([]byte, error) {
	var file []byte
	for {
		piece, err := d.ReadLog(ctx, d.as, request.ReadLog{Path: name, Offset: int64(len(file))})
		if err != nil {
			return nil, notThere(err)
		}
		if len(piece) == 0 {
			return file, nil
		}
		file = append(file, piece...)
	}
}

// export copies every log of the record to a folder.
func export(t testing.TB, r *postgrestest.Record, dir string) {
	t.Helper()
	logs, err := merkle.Logs(t.Context(), doorFiles{r.Store, postgrestest.Auditor})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logs {
		if _, err := merkle.Mirror(t.Context(), dir, l, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// publish brings a folder up to the record, as the sealer does.
func publish(t testing.TB, r *postgrestest.Record, dir string) error {
	t.Helper()
	years, err := r.LogYears(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, y := range years {
		p, err := r.Publication(t.Context(), y)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := merkle.Publish(t.Context(), dir, r.Log(y), p); err != nil {
			return err
		}
	}
	return nil
}

// verify checks the log of this year in a folder.
func verify(t testing.TB, dir string, o merkle.Options) merkle.Report {
	t.Helper()
	report, err := merkle.Verify(t.Context(), merkle.Dir(dir+"/"+fmt.Sprint(thisYear())), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func thisYear() int { return time.Now().UTC().Year() }

func TestEveryActHasAPlaceInTheLogAndTheLogVerifies(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	s.submit("B.2.8/1")
	sealAll(t, s.Record, keys)
	for range 5 {
		s.submit("B.2.8/1")
	}
	sealAll(t, s.Record, keys)
	published, exported := t.TempDir(), t.TempDir()
	for range 2 { // twice does no harm
		if err := publish(t, s.Record, published); err != nil {
			t.Fatal(err)
		}
		export(t, s.Record, exported)
	}
	for _, dir := range []string{published, exported} {
		report := verify(t, dir, merkle.Options{Keys: []string{keys.vkey(thisYear())}})
		if !report.OK() || report.Size != int64(s.stats().AuditRows) {
			t.Errorf("%d entries of %d acts, faults %v", report.Size, s.stats().AuditRows, report.Faults)
		}
	}
	for _, file := range []string{"checkpoint", "keys", "tile/0/000.p/" + fmt.Sprint(s.stats().AuditRows), "tile/entries/000.p/" + fmt.Sprint(s.stats().AuditRows)} {
		name := fmt.Sprintf("%d/%s", thisYear(), file)
		a, errA := merkle.Dir(published).ReadFile(t.Context(), name)
		b, errB := merkle.Dir(exported).ReadFile(t.Context(), name)
		if errA != nil || errB != nil || string(a) != string(b) || len(a) == 0 {
			t.Errorf("%s is published with %d bytes (%v) and exported with %d (%v), want the same", file, len(a), errA, len(b), errB)
		}
	}
}

func TestACheckpointIsToldAsAFactAndLeavesNothingToSeal(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	sealAll(t, s.Record, keys)
	before := s.stats()
	for range 3 {
		if done, err := s.Seal(s.ctx, keys); err != nil || done.Rows != 0 || len(done.Checkpoints) != 0 {
			t.Errorf("a log at rest grew by %d rows (%v)", done.Rows, err)
		}
	}
	if after := s.stats(); after.AuditRows != before.AuditRows || after.Events != before.Events {
		t.Errorf("sealing nothing left %+v after %+v", after, before)
	}
	var told int
	for _, o := range pendingOf(t, s.Record) {
		if strings.HasPrefix(o.Subject, "evt.v1.") && strings.Contains(string(o.Body), "checkpoint.signed.v1") {
			told++
		}
	}
	if told == 0 {
		t.Error("no checkpoint waits in the outbox")
	}
}

func notThere(err error) error {
	if errors.Is(err, fault.NotFound) {
		return fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return err
}

func superuser(t testing.TB, r *postgrestest.Record) *sqlx.DB {
	t.Helper()
	db, err := postgres.Connect(r.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestWhatIsProvedCanBeFoundByEachOfItsNames(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	item := s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("I did this.", "B.2.8/1")))
	if _, err := s.Prove(s.ctx, postgrestest.Candidate, request.OfRecord{Record: item.Record}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("before it is sealed: %v, want unavailable", err)
	}
	sealAll(t, s.Record, keys)
	db := superuser(t, s.Record)
	var row, event string
	if err := db.Get(&row, `SELECT id FROM kutse.audit WHERE object = $1`, item.Record); err != nil {
		t.Fatal(err)
	}
	if err := db.Get(&event, `SELECT id FROM kutse.event WHERE application = $1 ORDER BY position DESC LIMIT 1`, s.app); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		record string
		as     postgres.Actor
		kind   fault.Kind
	}{
		"evidence, by its candidate":        {item.Record, postgrestest.Candidate, ""},
		"evidence, by the committee":        {item.Record, postgrestest.Member, ""},
		"evidence, by another candidate":    {item.Record, postgrestest.Other, fault.NotFound},
		"the act, by its candidate":         {row, postgrestest.Candidate, ""},
		"the act, by the council":           {row, postgrestest.Auditor, ""},
		"the act, by another candidate":     {row, postgrestest.Other, fault.NotFound},
		"the request, by who made it":       {item.Request, postgrestest.Candidate, ""},
		"the fact, by the council":          {event, postgrestest.Auditor, ""},
		"the application, by its candidate": {string(s.app), postgrestest.Candidate, ""},
		"a person, by the council":          {string(postgrestest.Candidate.ID), postgrestest.Auditor, ""},
		"a person, by a candidate":          {string(postgrestest.Assessor.ID), postgrestest.Candidate, fault.NotFound},
		"what is not there":                 {"00000000-0000-4000-8000-000000000000", postgrestest.Auditor, fault.NotFound},
		"what is no name":                   {"'; --", postgrestest.Auditor, fault.NotFound},
		"nothing":                           {"", postgrestest.Auditor, fault.Invalid},
	} {
		proof, err := s.Prove(s.ctx, c.as, request.OfRecord{Record: c.record})
		if fault.Of(err) != c.kind {
			t.Errorf("%s: %v, want %q", what, err, c.kind)
			continue
		}
		if err != nil {
			continue
		}
		p, err := merkle.ParseProof([]byte(proof.Proof))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Verify([]byte(proof.Entry), []string{keys.vkey(thisYear())}); err != nil || proof.Record != c.record || !strings.Contains(proof.Entry, c.record) {
			t.Errorf("%s: %v, about %s", what, err, proof.Entry)
		}
	}
}

// A dump that is restored into another cluster brings rows whose transaction ids say
// nothing there: those that are sealed keep their places, the others get one, once.
func TestARestoredRecordGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	s.submit("B.2.8/1")
	sealAll(t, s.Record, keys)
	before := verifyExported(t, s.Record, keys)
	db := superuser(t, s.Record)
	for range 3 {
		s.submit("B.2.8/1")
	}
	// As if these came from a cluster that had counted further, and one of them from
	// one that had not.
	for _, q := range []string{
		`DO $$ DECLARE p regclass; BEGIN
  FOR p IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'kutse.audit'::regclass LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', p); END LOOP;
END $$`,
		`UPDATE kutse.audit SET xid = (xid::text::bigint + 1000000000)::text::xid8`,
		`UPDATE kutse.audit SET xid = '3' WHERE id = (SELECT id FROM kutse.audit ORDER BY at DESC LIMIT 1)`,
		`UPDATE kutse.log_cursor SET xid = '1000000', cluster = 'another'`,
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	s.submit("B.2.8/1")
	sealAll(t, s.Record, keys)
	s.submit("B.2.8/1")
	sealAll(t, s.Record, keys)
	after := verifyExported(t, s.Record, keys)
	if after.Size != int64(s.stats().AuditRows) || after.Size != before.Size+5 {
		t.Errorf("the log has %d entries of %d acts, before it had %d", after.Size, s.stats().AuditRows, before.Size)
	}
}

func verifyExported(t *testing.T, r *postgrestest.Record, keys *ring) merkle.Report {
	t.Helper()
	dir := t.TempDir()
	export(t, r, dir)
	report := verify(t, dir, merkle.Options{Keys: []string{keys.vkey(thisYear())}})
	if !report.OK() {
		t.Errorf("faults %v", report.Faults)
	}
	return report
}

// Acts around New Year stand in the logs of their years, whichever is sealed first.
func TestEachYearHasALogOfItsOwn(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	year := thisYear()
	if _, err := superuser(t, s.Record).Exec(`SELECT kutse.ensure_partitions($1::date, 2)`, fmt.Sprintf("%d-12-01", year-1)); err != nil {
		t.Fatal(err)
	}
	late := time.Date(year-1, 12, 31, 23, 59, 59, 999999000, time.UTC)
	s.Clock.Set(late)
	adder(t, s.Record)("late", 2)
	s.Clock.Set(late.Add(time.Microsecond))
	adder(t, s.Record)("early", 2)
	sealAll(t, s.Record, keys)
	s.Clock.Set(late)
	adder(t, s.Record)("later", 2) // a clock that is behind
	sealAll(t, s.Record, keys)
	list, err := s.LogKeys(s.ctx, postgrestest.Auditor)
	if err != nil || len(list.Logs) != 2 {
		t.Fatalf("logs %+v (%v), want two", list.Logs, err)
	}
	if old := list.Logs[0]; old.Year != year-1 || old.Size != 6 || old.Origin != merkle.Origin("kutse.test", year-1) || len(old.Keys) != 1 || old.Keys[0] == list.Logs[1].Keys[0] {
		t.Errorf("the log of last year is %+v, want 6 entries and a key of its own; this year's %+v", old, list.Logs[1])
	}
	dir := t.TempDir()
	export(t, s.Record, dir)
	for _, l := range list.Logs {
		report, err := merkle.Verify(t.Context(), merkle.Dir(fmt.Sprintf("%s/%d", dir, l.Year)), merkle.Options{Keys: l.Keys})
		if err != nil || !report.OK() || report.Size != l.Size {
			t.Errorf("the log of %d: %v, %v", l.Year, err, report.Faults)
		}
	}
}

// An act that begins first and ends last has its place after those in between, and
// none is left out.
func TestASlowActIsNotOvertakenAndNotLeftOut(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	sealAll(t, s.Record, keys)
	db := connect(t, s.DB.Service)
	slow, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Rollback()
	id := uuid.NewString()
	if _, err := slow.Exec(`INSERT INTO audit (at, id, actor, role, act, object, position, request, payload)
VALUES (now(), $1, 'op', 'adm', 'slow.act', 'x', 0, '', sha256('x'))`, id); err != nil {
		t.Fatal(err)
	}
	s.submit("B.2.8/1")
	for range 3 {
		if done, err := s.Seal(s.ctx, keys); err != nil || done.Rows != 0 {
			t.Errorf("%d rows were sealed (%v) past an act that is under way", done.Rows, err)
		}
	}
	if lag, err := s.Lag(s.ctx); err != nil || lag <= 0 {
		t.Errorf("the lag is %s (%v), want some", lag, err)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	sealAll(t, s.Record, keys)
	if report := verifyExported(t, s.Record, keys); report.Size != int64(s.stats().AuditRows) {
		t.Errorf("%d entries of %d acts", report.Size, s.stats().AuditRows)
	}
	if lag, err := s.Lag(s.ctx); err != nil || lag != 0 {
		t.Errorf("the lag is %s (%v), want none", lag, err)
	}
}

func TestAPieceOfTheLogIsReadByOffset(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	sealAll(t, s.Record, keys)
	checkpoint := fmt.Sprintf("%d/checkpoint", thisYear())
	for path, want := range map[string]fault.Kind{
		checkpoint: "", "logs": "", fmt.Sprintf("%d/keys", thisYear()): "",
		"checkpoint": fault.NotFound, "2001/checkpoint": fault.NotFound, checkpoint + "-3": fault.NotFound, "": fault.NotFound,
		fmt.Sprintf("%d/tile/0/001", thisYear()):     fault.NotFound,
		fmt.Sprintf("%d/tile/9/000", thisYear()):     fault.NotFound,
		fmt.Sprintf("%d/../secret", thisYear()):      fault.NotFound,
		fmt.Sprintf("%d/tile/0/x001", thisYear()):    fault.NotFound,
		fmt.Sprintf("%d/tile/0/000.p/1", thisYear()): "",
	} {
		piece, err := s.ReadLog(s.ctx, postgrestest.Candidate, request.ReadLog{Path: path})
		if fault.Of(err) != want || (err == nil) != (len(piece) > 0) {
			t.Errorf("%q: %d bytes, %v, want %q", path, len(piece), err, want)
		}
	}
	whole, err := s.ReadLog(s.ctx, postgrestest.Candidate, request.ReadLog{Path: checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[int64]string{3: string(whole[3:]), int64(len(whole)): "", 1 << 40: ""} {
		piece, err := s.ReadLog(s.ctx, postgrestest.Candidate, request.ReadLog{Path: checkpoint, Offset: offset})
		if err != nil || string(piece) != want {
			t.Errorf("from %d on: %q, %v, want %q", offset, piece, err, want)
		}
	}
	if _, err := s.ReadLog(s.ctx, postgrestest.Candidate, request.ReadLog{Path: checkpoint, Offset: -1}); !errors.Is(err, fault.Invalid) {
		t.Errorf("an offset below nothing: %v", err)
	}
	stranger := postgres.Actor{ID: "nobody", Role: person.Candidate}
	if _, err := s.ReadLog(s.ctx, stranger, request.ReadLog{Path: checkpoint}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("somebody without a role: %v", err)
	}
}

// An act that could not stand in the log fails, and so can never hold up those after it.
func TestAnActThatTheLogCouldNotHoldIsRefused(t *testing.T) {
	t.Parallel()
	if err := postgres.CheckEntry(time.Now(), 500); err != nil {
		t.Errorf("an act with 500 rows: %v", err)
	}
	if err := postgres.CheckEntry(time.Now(), 1000); !errors.Is(err, fault.Invalid) {
		t.Errorf("an act with 1000 rows: %v, want invalid", err)
	}
}

// A row that somebody made by hand and that makes no entry is passed over.
func TestARowThatMakesNoEntryHoldsNothingUp(t *testing.T) {
	t.Parallel()
	s, keys := begin(t), newRing(t)
	if _, err := superuser(t, s.Record).Exec(`INSERT INTO kutse.audit (at, id, actor, role, act, object, position, request, payload)
VALUES (now(), gen_random_uuid(), 'x', 'x', '', 'x', 0, '', sha256('x'))`); err != nil {
		t.Fatal(err)
	}
	s.submit("B.2.8/1")
	rows := int64(s.stats().AuditRows)
	deadline := time.Now().Add(patience)
	for size := int64(0); size != rows-1; {
		if _, err := s.Seal(s.ctx, keys); err != nil {
			t.Fatal(err)
		}
		if p, err := s.Publication(s.ctx, thisYear()); err == nil {
			c, err := merkle.ParseCheckpoint(p.Checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			size = c.Size
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d rows are sealed", size, rows)
		}
	}
	if got := s.stats(); int64(got.AuditRows) != rows-1 || got.Unsealed != 0 {
		t.Errorf("after the row was passed over %d rows are counted, %d unsealed; want %d and none", got.AuditRows, got.Unsealed, rows-1)
	}
}
