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

	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
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

// rotate makes the next key of a year's log.
func (r *ring) rotate(year int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(year).VKey
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
	deadline := time.Now().Add(patience)
	db := superuser(t, r)
	for {
		if _, err := r.Seal(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		var open int
		if err := db.Get(&open, `SELECT count(*) FROM kutse.audit a WHERE NOT EXISTS (SELECT 1 FROM kutse.log_entry e WHERE e.audit = a.id)`); err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows are not sealed after %s", open, patience)
		}
		time.Sleep(5 * time.Millisecond) // for the transactions of others to end
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
