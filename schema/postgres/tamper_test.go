package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// sealedStory is a record with a whole case in it, sealed, of which somebody else has
// a copy and a checkpoint from before.
type sealedStory struct {
	*story
	ring   *ring
	kept   string // the council's copy
	anchor []byte // an older checkpoint
	from   int64  // its size
	size   int64
}

func beginSealed(t *testing.T) *sealedStory {
	t.Helper()
	s := &sealedStory{story: begin(t), ring: newRing(t), kept: t.TempDir()}
	for n := 1; n <= 4; n++ {
		s.support(fmt.Sprintf("B.2.%d", n))
	}
	sealAll(t, s.Record, s.ring)
	s.anchor, s.from = s.checkpoint()
	s.story.assessAll()
	sealAll(t, s.Record, s.ring)
	_, s.size = s.checkpoint()
	if err := publish(t, s.Record, s.kept); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sealedStory) checkpoint() (note []byte, size int64) {
	s.t.Helper()
	p, err := s.Publication(s.ctx, thisYear())
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := merkle.ParseCheckpoint(p.Checkpoint)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.Checkpoint, c.Size
}

// owner is who may do anything: a superuser on a connection that no trigger fires on.
func (s *sealedStory) owner() *sqlx.DB {
	s.t.Helper()
	db := superuser(s.t, s.Record)
	db.SetMaxOpenConns(1)
	var tables []string
	if err := db.Select(&tables, `SELECT c.oid::regclass::text FROM pg_class c
 WHERE c.relnamespace = 'kutse'::regnamespace AND c.relkind IN ('r', 'p') AND (c.relname LIKE 'log%' OR c.relname LIKE 'audit%')`); err != nil {
		s.t.Fatal(err)
	}
	for _, table := range tables {
		if _, err := db.Exec(`ALTER TABLE ` + table + ` DISABLE TRIGGER ALL`); err != nil {
			s.t.Fatal(err)
		}
	}
	return db
}

// do runs a statement that must change something.
func (s *sealedStory) do(db *sqlx.DB, query string, args ...any) {
	s.t.Helper()
	r, err := db.Exec(query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	if n, err := r.RowsAffected(); err == nil && n == 0 && !strings.HasPrefix(query, "SET") {
		s.t.Fatalf("nothing was changed by %s", query)
	}
}

// wrongAt is the record that is tampered with: one that the anchor counts.
const wrongAt = 20

// rowAt is the id of the audit row that stands there.
func (s *sealedStory) rowAt(db *sqlx.DB) (id string) {
	s.t.Helper()
	if err := db.Get(&id, `SELECT audit FROM kutse.log_entry WHERE year = $1 AND position = $2`, thisYear(), wrongAt); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// unsealAll takes the whole log away, so that it is made anew from the rows that are
// there.
func (s *sealedStory) unsealAll(db *sqlx.DB) {
	s.t.Helper()
	s.do(db, `DELETE FROM kutse.log_entry`)
	_, _ = db.Exec(`DELETE FROM kutse.log_node`)
	s.do(db, `DELETE FROM kutse.log_checkpoint`)
	s.do(db, `DELETE FROM kutse.log_key`)
	s.do(db, `UPDATE kutse.log_cursor SET cluster = 'another'`)
}

const changeRow = `UPDATE kutse.audit SET actor = 'somebody-else' WHERE id = $1`

// What the owner of the database does to a record that others have copies of. Each
// line is a way to cheat; whoever kept a key, a checkpoint or a copy sees it, and which
// record is the first that is not what it was.
func TestWhatAnOwnerChangesIsFoundAndTheFirstWrongRecordNamed(t *testing.T) {
	t.Parallel()
	const at = wrongAt
	for name, c := range map[string]struct {
		tamper func(*sealedStory, *sqlx.DB)
		first  func(*sealedStory) int64 // the first wrong record
		// alone: the pinned key shows it, with nothing kept from before. Where the
		// owner has the log's own key, it does not: the log is whole, and another one.
		alone bool
	}{
		"a row is changed": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
		}, here, true},
		"a row is deleted": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `DELETE FROM kutse.audit WHERE id = $1`, s.rowAt(db))
		}, here, true},
		"a row is deleted, and its place": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `DELETE FROM kutse.audit WHERE id = $1`, s.rowAt(db))
			s.do(db, `DELETE FROM kutse.log_entry WHERE position = $1`, at)
		}, here, true},
		"two rows are swapped": {func(s *sealedStory, db *sqlx.DB) {
			s.swap(db, at, "audit = o.audit, at = o.at")
		}, here, true},
		"two rows are swapped, and their hashes": {func(s *sealedStory, db *sqlx.DB) {
			s.swap(db, at, "audit = o.audit, at = o.at, hash = o.hash")
		}, here, false},
		"a hash is rewritten": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, `UPDATE kutse.log_entry SET hash = sha256('another') WHERE position = $1`, at)
		}, here, true},
		"a row is changed, and its hash": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
			s.rehash(db, at)
		}, here, false},
		"the tail is deleted": {func(s *sealedStory, db *sqlx.DB) {
			s.truncate(db, s.size-5)
		}, func(s *sealedStory) int64 { return s.size - 5 }, false},
		"the tail is deleted from before the anchor on": {func(s *sealedStory, db *sqlx.DB) {
			s.truncate(db, s.from-3)
		}, func(s *sealedStory) int64 { return s.from - 3 }, false},
		"all is made anew after a change, with the log's own key": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
			s.unsealAll(db)
			sealAll(s.t, s.Record, s.ring)
		}, here, false},
		"all is made anew after a change, and signed with another key": {func(s *sealedStory, db *sqlx.DB) {
			s.do(db, changeRow, s.rowAt(db))
			s.unsealAll(db)
			sealAll(s.t, s.Record, newRing(s.t))
		}, here, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := beginSealed(t)
			c.tamper(s, s.owner())
			exported := t.TempDir()
			export(t, s.Record, exported) // whatever was done, it can be had
			first := c.first(s)
			pinned := merkle.Options{Keys: []string{s.ring.vkey(thisYear())}}

			report := verify(t, exported, pinned)
			if c.alone && report.OK() {
				t.Error("by the pinned key alone nothing is found")
			}
			against := pinned
			against.Against = []merkle.Source{merkle.Dir(s.kept)}
			report = verify(t, exported, against)
			if f, wrong := report.First(); !wrong || f.Position != first {
				t.Errorf("against the council's copy the first wrong record is %d, want %d; found %v", f.Position, first, report.Faults)
			}
			anchored := pinned
			anchored.Checkpoints = [][]byte{s.anchor}
			report = verify(t, exported, anchored)
			if f, wrong := report.First(); first < s.from && (!wrong || f.Position < 0 || f.Position > first) {
				t.Errorf("against the checkpoint alone the first wrong record is %d (%t), want one up to %d; found %v", f.Position, wrong, first, report.Faults)
			}
			// Nor does the folder that the record was published to take it.
			if err := publish(t, s.Record, s.kept); err == nil {
				if again := verify(t, s.kept, pinned); !again.OK() {
					t.Errorf("the change was published over what was there: %v", again.Faults)
				}
			}
		})
	}
}

// swap exchanges what stands at a position and at the next.
func (s *sealedStory) swap(db *sqlx.DB, at int64, set string) {
	s.t.Helper()
	if _, err := db.Exec(`ALTER TABLE kutse.log_entry DROP CONSTRAINT log_entry_once`); err != nil {
		s.t.Fatal(err)
	}
	s.do(db, `UPDATE kutse.log_entry e SET `+set+` FROM kutse.log_entry o
 WHERE e.position IN ($1::bigint, $1::bigint + 1) AND o.position = 2 * $1::bigint + 1 - e.position AND o.year = e.year`, at)
}

func here(*sealedStory) int64 { return wrongAt }

// rehash puts the hash of the row as it is now in the place of the sealed one.
func (s *sealedStory) rehash(db *sqlx.DB, at int64) {
	s.t.Helper()
	entries, err := s.Log(thisYear()).Entries(s.ctx, at, at+1)
	if err != nil {
		s.t.Fatal(err)
	}
	h := merkle.HashEntry(entries[0])
	s.do(db, `UPDATE kutse.log_entry SET hash = $2 WHERE position = $1`, at, h[:])
}

// truncate takes away everything from a position on, and has what is left signed by
// the log's own key: the log looks as if it had never been longer.
func (s *sealedStory) truncate(db *sqlx.DB, from int64) {
	s.t.Helper()
	var gone []string
	if err := db.Select(&gone, `SELECT audit FROM kutse.log_entry WHERE position >= $1`, from); err != nil {
		s.t.Fatal(err)
	}
	s.do(db, `DELETE FROM kutse.audit WHERE id = ANY ($1::uuid[])`, pq.Array(gone))
	s.unsealAll(db)
	sealAll(s.t, s.Record, s.ring)
}

// Whoever trusts the pinned key finds nothing when the tail is gone; whoever kept one
// old checkpoint does.
func TestTruncationIsFoundByAnOlderCheckpointAlone(t *testing.T) {
	t.Parallel()
	s := beginSealed(t)
	latest, _ := s.checkpoint()
	s.truncate(s.owner(), s.size-2)
	exported := t.TempDir()
	export(t, s.Record, exported)
	pinned := merkle.Options{Keys: []string{s.ring.vkey(thisYear())}}
	if report := verify(t, exported, pinned); !report.OK() {
		t.Errorf("a log signed anew is found without anything kept: %v, want it whole", report.Faults)
	}
	pinned.Checkpoints = [][]byte{latest}
	report := verify(t, exported, pinned)
	if f, wrong := report.First(); !wrong || f.Position != s.size-2 {
		t.Errorf("the first wrong record is %d, want %d; found %v", f.Position, s.size-2, report.Faults)
	}
}

// Hashes that were changed are not signed for.
func TestNothingIsSealedOnHashesThatWereChanged(t *testing.T) {
	t.Parallel()
	s := beginSealed(t)
	s.do(s.owner(), `UPDATE kutse.log_entry SET hash = sha256('another') WHERE position = $1`, s.size-1)
	adder(t, s.Record)("somebody", 1)
	_, err := s.Seal(s.ctx, s.ring)
	for err == nil { // until the act is ripe
		_, err = s.Seal(s.ctx, s.ring)
	}
	if !strings.Contains(err.Error(), "they were changed") {
		t.Errorf("sealing ends with %v", err)
	}
}

func TestADecisionCarriesAProofThatOthersCheck(t *testing.T) {
	t.Parallel()
	s := begin(t)
	keys := newRing(t)
	for n := range 14 {
		s.assess(fmt.Sprintf("B.2.%d", n+1), assessment.Shown)
	}
	p := s.propose()
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)))
	number, err := s.EnterRegister(s.ctx, s.app)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.see(); c.Decisions[0].Proof != "" || c.Entry.Proof != "" {
		t.Error("what is not sealed carries a proof")
	}
	sealAll(t, s.Record, keys)
	c := s.see()
	for what, text := range map[string]string{string(c.Decisions[0].Decision): c.Decisions[0].Proof, number: c.Entry.Proof} {
		proof, err := merkle.ParseProof([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v in %q", what, err, text)
		}
		at, err := proof.Verify(proof.Extra, []string{keys.vkey(thisYear())})
		if err != nil || at.Size == 0 || !strings.Contains(string(proof.Extra), what) {
			t.Errorf("the proof of %s: %v, about %s", what, err, proof.Extra)
		}
	}
}
