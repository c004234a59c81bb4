package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// memory remembers beside the keys what they signed, as the sealer's folder does.
type memory struct {
	*ring
	mu       sync.Mutex
	last     map[int]merkle.Checkpoint
	disowned *merkle.Checkpoint
	kept     func() // after a checkpoint is remembered, before the commit
	broken   map[int]error
}

func remember(r *ring) *memory {
	return &memory{ring: r, last: map[int]merkle.Checkpoint{}, broken: map[int]error{}}
}

// Signing implements postgres.Signers.
func (m *memory) Signing(year int, last string) (postgres.Signing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.broken[year]; err != nil {
		return postgres.Signing{}, err
	}
	s, err := m.ring.Signing(year, last)
	if c, ok := m.last[year]; ok {
		s.Last = &c
	}
	s.Disowned = m.disowned
	s.Keep = func(c merkle.Checkpoint) error {
		m.mu.Lock()
		m.last[year] = c
		m.mu.Unlock()
		if m.kept != nil {
			m.kept()
		}
		return nil
	}
	return s, err
}

// somebody adds a person, which is an act.
func somebody(t testing.TB, r *postgrestest.Record) {
	t.Helper()
	id := postgrestest.NewID()
	if _, err := r.AddPerson(t.Context(), postgrestest.Operator, request.AddPerson{
		Acting: id, Person: person.ID("p-" + id.ID), Name: "Somebody", Roles: []person.Role{person.Candidate},
	}); err != nil {
		t.Fatal(err)
	}
}

// refusal seals until that is refused.
func refusal(t *testing.T, r *postgrestest.Record, keys postgres.Signers) (refused error) {
	t.Helper()
	until(t, "a refusal", func() bool {
		done, err := r.Seal(t.Context(), keys)
		if len(done.Checkpoints) > 0 {
			t.Fatalf("it was signed: %v, %v", done.Checkpoints, err)
		}
		refused = err
		return err != nil
	})
	return refused
}

// Whoever owns the database can make its tables fit each other. The log's key does not
// sign for it.
func TestTheSealerSignsOnlyWhatGoesOnFromWhatItSigned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(*sealedStory, *sqlx.DB)
		// forgetful: it is seen although nothing is remembered beside the keys
		forgetful bool
		says      string
	}{
		"a row is changed, with its hash and the root": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
			s.rehash(db, wrongAt)
			entries, err := s.Log(thisYear()).Entries(s.ctx, 0, s.size)
			if err != nil {
				s.t.Fatal(err)
			}
			var e merkle.Edge
			for _, entry := range entries {
				e.Append([]merkle.Hash{merkle.HashEntry(entry)})
			}
			root := e.Root()
			s.do(db, `UPDATE kutse.log_checkpoint SET root = $1 WHERE size = $2`, root[:], s.size)
		}, true, "it was changed"},
		"the last checkpoint is another signed text": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `UPDATE kutse.log_checkpoint SET note = (SELECT note FROM kutse.log_checkpoint ORDER BY size LIMIT 1) WHERE size = $1`, s.size)
		}, true, "it was changed"},
		"the last checkpoint is somebody else's": {func(s *sealedStory, db *sqlx.DB) {
			other := newRing(s.t).add(thisYear())
			latest, _ := s.checkpoint()
			claim, err := merkle.ParseCheckpoint(latest)
			if err != nil {
				s.t.Fatal(err)
			}
			if claim, err = merkle.Sign(claim, other.Signer); err != nil {
				s.t.Fatal(err)
			}
			s.do(db, `UPDATE kutse.log_checkpoint SET note = $1 WHERE size = $2`, string(claim.Note), s.size)
		}, true, "it was changed"},
		"the log goes back to an older checkpoint": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `DELETE FROM kutse.log_entry WHERE position >= $1`, s.from)
			s.do(db, `DELETE FROM kutse.log_checkpoint WHERE size > $1`, s.from)
		}, false, "accept-restore"},
		"all is made anew after a change": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
			s.unsealAll(db)
		}, false, "does not hold"},
		"all is made anew without its end": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `DELETE FROM kutse.audit WHERE id IN (SELECT audit FROM kutse.log_entry WHERE position >= $1)`, s.size-5)
			s.unsealAll(db)
		}, false, "has only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := beginSealed(t)
			keys := remember(s.ring)
			somebody(t, s.Record)
			sealAll(t, s.Record, keys)
			_, s.size = s.checkpoint()
			db := s.owner()
			c.tamper(s, db)
			somebody(t, s.Record)
			if c.forgetful {
				keys.last = map[int]merkle.Checkpoint{}
			}
			if err := refusal(t, s.Record, keys); !errors.Is(err, fault.Conflict) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v, want a conflict that says %q", err, c.says)
			}
		})
	}
}

func TestAnotherDatabaseGetsNoSignatureOfTheSameKeys(t *testing.T) {
	t.Parallel()
	first, second := postgrestest.New(t), postgrestest.New(t)
	keys := remember(newRing(t))
	somebody(t, first) // they have the same beginning
	sealAll(t, first, keys)
	for range 3 {
		somebody(t, second)
	}
	if err := refusal(t, second, keys); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	somebody(t, first)
	sealAll(t, first, keys)
}

// The log is only put back, and its rows are all there: it comes to the same log.
func TestALogThatIsPutBackComesToTheSameAgain(t *testing.T) {
	t.Parallel()
	s := beginSealed(t)
	keys := remember(s.ring)
	somebody(t, s.Record)
	sealAll(t, s.Record, keys)
	latest, size := s.checkpoint()
	db := s.owner()
	s.unsealAll(db)
	somebody(t, s.Record)
	sealAll(t, s.Record, keys)
	exported := t.TempDir()
	export(t, s.Record, exported)
	report := verify(t, exported, merkle.Options{Keys: []string{s.ring.vkey(thisYear())}, Checkpoints: [][]byte{latest}})
	if !report.OK() || report.Size != size+1 {
		t.Errorf("%d records after %d, faults %v", report.Size, size, report.Faults)
	}
}

// What was signed and never committed binds, and locks nobody out.
func TestACrashBeforeTheCommitIsGoneOnFrom(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	keys := remember(newRing(t))
	sealAll(t, r, keys)
	db := superuser(t, r)
	for n := range 3 { // each begins where the one before crashed
		somebody(t, r)
		crashed := false
		keys.kept = func() {
			crashed = true
			if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()`); err != nil {
				t.Error(err)
			}
		}
		before := keys.last[thisYear()]
		until(t, "something to be signed", func() bool {
			if done, err := r.Seal(t.Context(), keys); err == nil && len(done.Checkpoints) > 0 {
				t.Fatal("the crash came too late")
			}
			// The new row may have to wait: until then what was signed in vain is signed again.
			return crashed && keys.last[thisYear()].Size > before.Size
		})
		inVain := keys.last[thisYear()]
		if inVain.Size <= before.Size {
			t.Fatalf("crash %d: %d records were signed after %d", n, inVain.Size, before.Size)
		}
		if p, err := r.Publication(t.Context(), thisYear()); err != nil || string(p.Checkpoint) == string(inVain.Note) {
			t.Fatalf("crash %d: it was committed (%v)", n, err)
		}
	}
	keys.kept = nil
	inVain := keys.last[thisYear()].Note
	somebody(t, r)
	sealAll(t, r, keys)
	exported := t.TempDir()
	export(t, r, exported)
	if report := verify(t, exported, merkle.Options{Keys: []string{keys.vkey(thisYear())}, Checkpoints: [][]byte{inVain}}); !report.OK() || report.Compared != 1 {
		t.Errorf("against what was signed in vain: %v", report.Faults)
	}
}

func TestAnOperatorMayAcceptARestoredRecord(t *testing.T) {
	t.Parallel()
	s := beginSealed(t)
	keys := remember(s.ring)
	sealAll(t, s.Record, keys)
	db := s.owner()
	s.do(db, `DELETE FROM kutse.audit WHERE id IN (SELECT audit FROM kutse.log_entry WHERE position >= $1)`, s.from)
	s.do(db, `DELETE FROM kutse.log_entry WHERE position >= $1`, s.from)
	s.do(db, `DELETE FROM kutse.log_checkpoint WHERE size > $1`, s.from)
	keys.last[thisYear()] = merkle.Checkpoint{Size: s.size, Root: merkle.Hash{1}}
	somebody(t, s.Record)
	if err := refusal(t, s.Record, keys); !errors.Is(err, fault.Conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	was := keys.last[thisYear()]
	delete(keys.last, thisYear())
	keys.disowned = &was
	sealAll(t, s.Record, keys)
	if got := keys.last[thisYear()]; got.Size != s.from+1 {
		t.Errorf("%d records are signed, want %d", got.Size, s.from+1)
	}
}

// The log of one year cannot be signed: that of another is, and the rows that had to
// wait come first when it can.
func TestOneYearDoesNotStopAnother(t *testing.T) {
	t.Parallel()
	s := begin(t)
	keys := remember(newRing(t))
	year := thisYear()
	sealAll(t, s.Record, keys)
	if _, err := superuser(t, s.Record).Exec(`SELECT kutse.ensure_partitions($1::date, 1)`, fmt.Sprintf("%d-12-01", year-1)); err != nil {
		t.Fatal(err)
	}
	keys.broken[year-1] = fault.Conflict.New("the key is away")
	acts := func(at time.Time, n int) {
		s.Clock.Set(at)
		for range n {
			somebody(t, s.Record)
		}
	}
	late, now := time.Date(year-1, 12, 31, 23, 59, 0, 0, time.UTC), time.Now()
	size := func() int64 { return keys.last[year].Size }
	before := size()
	for n := range int64(3) {
		acts(late.Add(time.Duration(n)*time.Second), 2)
		acts(now, 2)
		want := before + 2*(n+1)
		until(t, fmt.Sprintf("%d records of %d to be sealed", want, year), func() bool {
			done, err := s.Seal(s.ctx, keys)
			if (err != nil) != (len(done.Failed) > 0) || err != nil && !errors.Is(err, fault.Conflict) {
				t.Fatalf("failed %v with the error %v", done.Failed, err)
			}
			return size() >= want
		})
	}
	if _, err := s.Seal(s.ctx, keys); err == nil || !strings.Contains(err.Error(), "the key is away") {
		t.Errorf("a round with nothing new says %v, want why rows wait", err)
	}
	s.Clock.Set(now.Add(time.Hour))
	if lag, err := s.Lag(s.ctx); err != nil || lag < 24*time.Hour && now.YearDay() > 1 {
		t.Errorf("the lag is %s (%v), want that of the rows that wait", lag, err)
	}
	if got := s.stats(); got.Unsealed != 6 {
		t.Errorf("%d rows count as unsealed, want 6", got.Unsealed)
	}
	delete(keys.broken, year-1)
	acts(late.Add(time.Minute-time.Microsecond), 1)
	s.Clock.Set(now)
	sealAll(t, s.Record, keys)
	exported := t.TempDir()
	export(t, s.Record, exported)
	report, err := merkle.Verify(t.Context(), merkle.Dir(fmt.Sprintf("%s/%d", exported, year-1)), merkle.Options{})
	if err != nil || !report.OK() || report.Size != 7 || report.Last.Before(late.Add(time.Minute-time.Millisecond)) {
		t.Errorf("last year's log: %d records up to %s, %v (%v); want 7, the newest last", report.Size, report.Last, report.Faults, err)
	}
	if lag, err := s.Lag(s.ctx); err != nil || lag != 0 {
		t.Errorf("the lag is %s (%v), want none", lag, err)
	}
}

// What the service can write, it can write by hand.
func TestNoSingleRowEndsSealing(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	db := connect(t, r.DB.Service)
	const insert = `INSERT INTO kutse.audit (at, id, actor, role, act, object, position, request, payload, `
	for _, records := range []string{"ARRAY[NULL]::text[]", "'[0:1]={a,b}'", "ARRAY[ARRAY['a'],ARRAY['b']]"} {
		if _, err := db.Exec(insert + `records) VALUES (now(), gen_random_uuid(), 'x', 'adm', 'x', 'x', 0, '', sha256('x'), ` + records + `)`); err == nil {
			t.Errorf("records %s are taken", records)
		}
	}
	if _, err := db.Exec(insert + `xid) VALUES (now(), gen_random_uuid(), 'x', 'adm', 'x', 'x', 0, '', sha256('x'), '1')`); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a transaction id of its own: %v, want it refused", err)
	}
	somebody(t, r)
	sealAll(t, r, newRing(t))
}
