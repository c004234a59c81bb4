package sealer

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// untilPatience bounds every wait for something that has to happen.
const untilPatience = 30 * time.Second

func await(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	deadline := time.After(untilPatience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s in vain for %s", untilPatience, what)
		}
	}
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), s)
}

func (l *logged) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}

// house is one installation: a record, its keys and the folder it publishes to.
type house struct {
	*testing.T
	*postgrestest.Record
	keys, folder string
	log          *logged
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	return &house{T: t, Record: postgrestest.New(t), keys: filepath.Join(dir, "keys"), folder: filepath.Join(dir, "log"), log: &logged{}}
}

func (h *house) ring() *Keyring {
	h.Helper()
	k, err := OpenKeyring(h.keys, "kutse.test")
	if err != nil {
		h.Fatal(err)
	}
	return k
}

// told is the record by another process, which writes to the log that the test reads.
func (h *house) told() *postgres.Store {
	h.Helper()
	store, err := postgres.Open(h.Context(), h.DB.Service, postgres.Options{Now: time.Now, Log: slog.New(slog.NewTextHandler(h.log, nil))})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = store.Close() })
	return store
}

func (h *house) sealer(record *postgres.Store) *Sealer {
	h.Helper()
	return &Sealer{
		Record: record, Keys: h.ring(), Publish: h.folder, Every: 20 * time.Millisecond, retry: 5 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
}

// run runs a sealer until stop or the end of the test.
func (h *house) run(s *Sealer) (stop func()) {
	h.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.Errorf("the sealer ended with %v", err)
		}
	})
	h.Cleanup(stop)
	return stop
}

// act makes acts that have to be sealed, and says how many there are in all.
func (h *house) act(n int) (rows int64) {
	h.Helper()
	for range n {
		id := postgrestest.NewID()
		if _, err := h.AddPerson(h.Context(), postgrestest.Operator, request.AddPerson{
			Acting: id, Person: person.ID("p-" + id.ID), Name: "Somebody", Roles: []person.Role{person.Candidate},
		}); err != nil {
			h.Fatal(err)
		}
	}
	stats, err := h.Stats(h.Context(), postgrestest.Auditor)
	if err != nil {
		h.Fatal(err)
	}
	return int64(stats.AuditRows)
}

func year() int { return time.Now().UTC().Year() }

// published is the log of this year as it stands in the folder.
func (h *house) published() merkle.Dir {
	return merkle.Dir(filepath.Join(h.folder, fmt.Sprint(year())))
}

func (h *house) size() int64 {
	note, err := h.published().ReadFile(h.Context(), "checkpoint")
	if err != nil {
		return -1
	}
	c, err := merkle.ParseCheckpoint(note)
	if err != nil {
		h.Fatal(err)
	}
	return c.Size
}

func (h *house) awaitPublished(rows int64) {
	h.Helper()
	await(h.T, fmt.Sprintf("%d records in the folder", rows), func() bool { return h.size() == rows })
}

func (h *house) verify(o merkle.Options) merkle.Report {
	h.Helper()
	report, err := merkle.Verify(h.Context(), h.published(), o)
	if err != nil {
		h.Fatal(err)
	}
	return report
}

// vkeys are the published keys, oldest first.
func (h *house) vkeys() []string {
	h.Helper()
	p, err := h.Publication(h.Context(), year())
	if err != nil {
		h.Fatal(err)
	}
	var list []string
	for _, k := range p.Keys {
		list = append(list, k.VKey)
	}
	return list
}
