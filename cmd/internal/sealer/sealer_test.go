package sealer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
)

func TestWhatIsRecordedIsPublishedSoonAndVerifies(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rows := h.act(1)
	stop := h.run(h.sealer(h.Store))
	h.awaitPublished(rows)
	rows = h.act(3)
	h.awaitPublished(rows)
	stop()
	report := h.verify(merkle.Options{Keys: h.vkeys()[:1]})
	if !report.OK() || report.Size != rows || !report.Pinned {
		t.Errorf("the folder holds %d of %d records, faults %v", report.Size, rows, report.Faults)
	}
}

func TestWhatWasSealedAndNotPublishedIsPublishedByTheNextRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rows := h.act(1)
	await(t, "everything to be sealed", func() bool { // and the process dies here
		if _, err := h.Seal(t.Context(), h.ring()); err != nil {
			t.Fatal(err)
		}
		p, err := h.Publication(t.Context(), year())
		if err != nil {
			return false
		}
		c, err := merkle.ParseCheckpoint(p.Checkpoint)
		return err == nil && c.Size == rows
	})
	if h.size() >= 0 {
		t.Fatal("it is published already")
	}
	h.run(h.sealer(h.Store))
	h.awaitPublished(rows)
	if report := h.verify(merkle.Options{}); !report.OK() {
		t.Errorf("faults %v", report.Faults)
	}
}

func TestTheSecondSealerStandsByAndTakesOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	second := make(chan postgres.Sealing, 1000)
	stop := h.run(h.sealer(h.Store))
	h.awaitPublished(h.act(1))
	other := h.sealer(h.Store)
	other.sealed = func(s postgres.Sealing) { second <- s }
	h.run(other)
	h.awaitPublished(h.act(1))
	if len(second) > 0 {
		t.Error("two sealers work")
	}
	stop()
	h.awaitPublished(h.act(1))
	if len(second) == 0 {
		t.Error("the second did not take over")
	}
}

func TestAnOutageOfPostgreSQLEndsByItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.run(h.sealer(h.Store))
	h.awaitPublished(h.act(1))
	db, err := postgres.Connect(h.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// Every connection of the service is cut, that of the lead among them.
	if _, err := db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	var rows int64
	await(t, "the record to answer again", func() bool { return h.Ping(t) })
	rows = h.act(1)
	h.awaitPublished(rows)
}

// Ping says whether the record answers.
func (h *house) Ping(t *testing.T) bool {
	_, err := h.LogYears(t.Context())
	return err == nil
}

func TestAFolderThatTellsAnotherLogIsLeftAloneAndSealingGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	stop := h.run(h.sealer(h.Store))
	h.awaitPublished(h.act(3))
	stop()
	db, err := postgres.Connect(h.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	// The owner changes an act and has the whole log made anew, with the very key.
	for _, sql := range []string{
		`SET session_replication_role = replica`,
		`ALTER TABLE kutse.log_entry DISABLE TRIGGER ALL`, `ALTER TABLE kutse.log_checkpoint DISABLE TRIGGER ALL`,
		`DELETE FROM kutse.log_entry`, `DELETE FROM kutse.log_checkpoint`, `UPDATE kutse.log_cursor SET cluster = 'another'`,
		`ALTER TABLE kutse.audit DISABLE TRIGGER ALL`,
	} {
		if _, err := db.Exec(sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if _, err := db.Exec(`DO $$ DECLARE p regclass; BEGIN
  FOR p IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'kutse.audit'::regclass LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', p); END LOOP;
END $$`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE kutse.audit SET act = 'another.act' WHERE id = (SELECT id FROM kutse.audit ORDER BY xid, id OFFSET 2 LIMIT 1)`); err != nil {
		t.Fatal(err)
	}
	before := h.size()
	h.run(h.sealer(h.told()))
	await(t, "the sealer to refuse it", func() bool { return h.log.has("level=ERROR") && h.log.has("does not hold the") })
	// Nor does the folder take it, if somebody calls it a restore.
	if was, err := h.ring().AcceptRestore(year()); err != nil || was.Size != before {
		t.Fatalf("disowned are %d records (%v), want %d", was.Size, err, before)
	}
	await(t, "the sealer to say that it signs what was restored", func() bool { return h.log.has("a restored record goes on as the log") })
	await(t, "the sealer to say so", func() bool { return h.log.has("do not agree") && h.log.has("record 2 ") })
	rows := h.act(2)
	await(t, "sealing to go on", func() bool {
		p, err := h.Publication(t.Context(), year())
		if err != nil {
			return false
		}
		c, err := merkle.ParseCheckpoint(p.Checkpoint)
		return err == nil && c.Size == rows
	})
	if got := h.size(); got != before {
		t.Errorf("the folder holds %d records after, %d before: it was overwritten", got, before)
	}
}

func TestAKeyIsChangedInTheOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.run(h.sealer(h.Store))
	h.awaitPublished(h.act(1))
	first := h.vkeys()[0]
	for generation := 2; generation <= 3; generation++ {
		vkey, err := h.ring().Rotate(year()) // by another process
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the checkpoint of the change, and one by the new key alone
			h.awaitPublished(h.act(1))
		}
		if got := h.vkeys(); len(got) != generation || got[generation-1] != vkey {
			t.Fatalf("the log's keys are %q, want %s as number %d", got, vkey, generation)
		}
		for name, pinned := range map[string]string{"the first key": first, "the new key": vkey} {
			report := h.verify(merkle.Options{Keys: []string{pinned}})
			if !report.OK() || len(report.Keys) != 1 || report.Keys[0] != vkey {
				t.Errorf("by %s: signed by %q, faults %v; want %q", name, report.Keys, report.Faults, vkey)
			}
		}
	}
	// A key that nobody handed over to is not believed.
	_, stranger, err := merkle.NewKey(merkle.Origin("kutse.test", year()))
	if err != nil {
		t.Fatal(err)
	}
	if report := h.verify(merkle.Options{Keys: []string{stranger}}); report.OK() {
		t.Error("the log verifies by a key that never signed it")
	}
}

func TestAKeyIsMadeOnceAndKeptForItsOwner(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, err := h.ring().Signing(2031, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.ring().Signing(2031, first.Now.VKey)
	if err != nil || again.Now.VKey != first.Now.VKey || again.Next != nil || again.Origin != "kutse.test/audit/2031" {
		t.Errorf("a second start signs with %s for %s (%v), the first with %s", again.Now.VKey, again.Origin, err, first.Now.VKey)
	}
	files, err := os.ReadDir(h.keys)
	if err != nil || len(files) != 1 {
		t.Fatalf("the folder holds %v (%v), want one key", files, err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %s (%v), want 0600", info.Name(), info.Mode(), err)
	}
}

func TestAKeyringRefusesWhatItCannotSignFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ring := h.ring()
	if _, err := ring.Rotate(2031); err == nil {
		t.Error("a key that there is not was changed")
	}
	made, err := ring.Signing(2031, "")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := merkle.NewKey(merkle.Origin("kutse.test", 2031))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Signing(2031, other); err == nil || !strings.Contains(err.Error(), "bring the keys") {
		t.Errorf("a log signed by another key: %v", err)
	}
	if _, err := ring.Signing(2030, other); err == nil {
		t.Error("a key was made for a log that has one elsewhere")
	}
	path := filepath.Join(h.keys, "2031-1.key")
	for _, open := range []os.FileMode{0o640, 0o604, 0o620, 0o644} {
		if err := os.Chmod(path, open); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ring().Signing(2031, made.Now.VKey); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("a key file with mode %o: %v, want invalid, with what to do", open, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, _ := strings.Cut(string(text), "\n")
	for name, content := range map[string]string{
		"nothing":                    "",
		"a verifier key of another":  secret + "\n" + other + "\n",
		"a secret that was cut":      secret[:len(secret)-4] + "\n" + made.Now.VKey + "\n",
		"the halves in wrong order":  made.Now.VKey + "\n" + secret + "\n",
		"a secret without verifier ": secret + "\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := h.ring().Signing(2031, made.Now.VKey)
		if err == nil || strings.Contains(err.Error(), strings.TrimPrefix(secret, "PRIVATE+KEY+kutse.test/audit/2031+")) {
			t.Errorf("a file with %s: %v, want a refusal without the key in it", name, err)
		}
	}
}
