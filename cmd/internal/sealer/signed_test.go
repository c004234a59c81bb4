package sealer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// signs signs a checkpoint of so many records as the sealer does.
func signs(t *testing.T, k *Keyring, size int64) (postgres.Signing, merkle.Checkpoint) {
	t.Helper()
	s, err := k.Signing(2031, "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: s.Origin, Size: size, Root: merkle.Hash{byte(size)}}, s.Now.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestAKeyringRemembersWhatItSigned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, size := range []int64{3, 5} {
		s, c := signs(t, h.ring(), size)
		if err := s.Keep(c); err != nil {
			t.Fatal(err)
		}
		if again, _ := signs(t, h.ring(), 9); again.Last == nil || !bytes.Equal(again.Last.Note, c.Note) || again.Disowned != nil {
			t.Errorf("after %d records, %+v is remembered", size, again.Last)
		}
	}
	// Two at once, of two databases: the second finds that it does not know the last.
	first, a := signs(t, h.ring(), 7)
	second, b := signs(t, h.ring(), 8)
	if err := first.Keep(a); err != nil {
		t.Fatal(err)
	}
	if err := second.Keep(b); !errors.Is(err, fault.Conflict) {
		t.Errorf("another sealer beside it: %v, want conflict", err)
	}

	if _, err := h.ring().AcceptRestore(2030); !errors.Is(err, fault.NotFound) {
		t.Errorf("a restore of a log that was not signed: %v", err)
	}
	if was, err := h.ring().AcceptRestore(2031); err != nil || !bytes.Equal(was.Note, a.Note) {
		t.Errorf("disowned is %+v (%v), want what was signed last", was, err)
	}
	s, c := signs(t, h.ring(), 4)
	if s.Last != nil || s.Disowned == nil || s.Disowned.Size != 7 {
		t.Errorf("after a restore was accepted, last is %v and disowned %v", s.Last, s.Disowned)
	}
	if err := s.Keep(c); err != nil {
		t.Fatal(err)
	}
	if s, _ := signs(t, h.ring(), 4); s.Last == nil || s.Last.Size != 4 || s.Disowned != nil {
		t.Errorf("after the next checkpoint, last is %v and disowned %v", s.Last, s.Disowned)
	}
	filed, err := filepath.Glob(filepath.Join(h.keys, "2031-7-*.disowned"))
	if err != nil || len(filed) != 1 {
		t.Errorf("what was disowned is kept as %v (%v)", filed, err)
	}

	for name, text := range map[string]string{"nothing": "", "a half": string(c.Note[:40]), "another's": "x\n1\n" + strings.Repeat("A", 43) + "=\n\n"} {
		if err := os.WriteFile(filepath.Join(h.keys, "2031.checkpoint"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ring().Signing(2031, ""); !errors.Is(err, fault.Invalid) {
			t.Errorf("with %s in place of what was signed: %v, want invalid", name, err)
		}
	}
}

// The sealer dies between signing and the commit: the next goes on from what was
// signed in vain.
func TestASealerThatDiedBeforeTheCommitIsGoneOnFrom(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	db, err := postgres.Connect(h.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows := h.act(1)
	dying := mortal{h.ring(), func() {
		if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Error(err)
		}
	}}
	var inVain merkle.Checkpoint
	await(t, "the sealer to die", func() bool {
		_, err := h.Seal(t.Context(), dying)
		if err == nil {
			return false
		}
		s, errSigning := h.ring().Signing(year(), "")
		if errSigning != nil || s.Last == nil {
			t.Fatalf("it died of %v with nothing remembered (%v)", err, errSigning)
		}
		inVain = *s.Last
		return true
	})
	if inVain.Size != rows {
		t.Errorf("%d records were signed in vain, want %d", inVain.Size, rows)
	}
	await(t, "the record to answer again", func() bool { return h.Ping(t) })
	if years, err := h.LogYears(t.Context()); err != nil || len(years) != 0 {
		t.Fatalf("it was committed: %v (%v)", years, err)
	}
	rows = h.act(2)
	h.run(h.sealer(h.Store))
	h.awaitPublished(rows)
	if report := h.verify(merkle.Options{Checkpoints: [][]byte{inVain.Note}}); !report.OK() || report.Compared != 1 {
		t.Errorf("against what was signed in vain: %v", report.Faults)
	}
}

// mortal dies as soon as it remembers what it signed.
type mortal struct {
	*Keyring
	die func()
}

// Signing implements postgres.Signers.
func (m mortal) Signing(year int, last string) (postgres.Signing, error) {
	s, err := m.Keyring.Signing(year, last)
	keep := s.Keep
	s.Keep = func(c merkle.Checkpoint) error {
		defer m.die()
		return keep(c)
	}
	return s, err
}

func TestASecondDatabaseIsNotSignedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.act(2)
	stop := h.run(h.sealer(h.Store))
	h.awaitPublished(h.act(1))
	stop()
	other := newHouse(t)
	other.keys = h.keys
	s := other.sealer(other.Store)
	s.remind = 10 * time.Millisecond
	for range 4 {
		other.act(1)
	}
	other.run(s)
	await(t, "the sealer to refuse it, more than once", func() bool {
		return other.log.count("level=ERROR msg=\"the log of a year is not sealed\"") > 2
	})
	if got := other.size(); got >= 0 {
		t.Errorf("%d records were published", got)
	}
}

func TestARowThatIsDatedBackIsTold(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	db, err := postgres.Connect(h.DB.Service)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const insert = `INSERT INTO kutse.audit (at, id, actor, role, act, object, position, request, payload)
VALUES (GREATEST(date_trunc('month', now()), now() - $1::interval), gen_random_uuid(), 'x', 'adm', 'x', 'x', 0, '', sha256('x'))`
	h.run(h.sealer(h.told()))
	h.awaitPublished(h.act(1))
	if _, err := db.Exec(insert, "50 minutes"); err != nil {
		t.Fatal(err)
	}
	h.awaitPublished(h.act(1))
	if h.log.has("dated long before") {
		t.Error("a row of this hour is told")
	}
	if _, err := db.Exec(insert, "2 hours"); err != nil {
		t.Fatal(err)
	}
	h.awaitPublished(h.act(1))
	if now := time.Now().UTC(); (now.Day() > 1 || now.Hour() > 1) && !h.log.has("dated long before") {
		t.Error("a row of two hours ago is not told")
	}
}

// Two processes with one folder, each with its own database: only one may sign.
func TestOfTwoSealersAtOnceOneSigns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	rings := [2]*Keyring{}
	for i := range rings {
		var err error
		if rings[i], err = OpenKeyring(dir, "kutse.test"); err != nil {
			t.Fatal(err)
		}
	}
	signing, err := rings[0].Signing(2026, "")
	if err != nil {
		t.Fatal(err)
	}
	for round := range 50 {
		known := signing.Last
		var notes [2]merkle.Checkpoint
		var kept [2]error
		var both sync.WaitGroup
		for i := range rings {
			c := merkle.Checkpoint{Origin: signing.Origin, Size: int64(round + 1), Root: merkle.Hash{byte(round), byte(i)}}
			if notes[i], err = merkle.Sign(c, signing.Now.Signer); err != nil {
				t.Fatal(err)
			}
			both.Go(func() { kept[i] = rings[i].keep(2026, known, notes[i]) })
		}
		both.Wait()
		if (kept[0] == nil) == (kept[1] == nil) {
			t.Fatalf("round %d: %v and %v, want one of the two refused", round, kept[0], kept[1])
		}
		signing.Last = &notes[0]
		if kept[0] != nil {
			signing.Last = &notes[1]
		}
	}
}
