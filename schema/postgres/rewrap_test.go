package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/retention"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// under says under how many key-encryption keys people's keys are wrapped.
func (s *story) under() map[string]int {
	s.t.Helper()
	list, err := s.Wrappings(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]int{}
	for _, w := range list {
		all[w.KEK] = w.People
	}
	return all
}

func (s *story) rotate() string {
	s.t.Helper()
	id, err := kek.Rotate(strings.TrimPrefix(s.KEK, "file:"))
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func TestKeysAreWrappedAnewBesideEverythingElse(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.submit("B.2.8/1")
	people := len(s.keys())
	id := s.rotate()
	s.refuses("forgetting too early", s.OnlyUnder(s.ctx, id), fault.Conflict, "kutse keys rewrap")

	working, stop := context.WithCancel(s.ctx)
	var others sync.WaitGroup
	others.Go(func() {
		for working.Err() == nil {
			s.submit("B.2.8/1")
		}
	})
	others.Go(func() { // somebody is erased meanwhile
		if _, err := s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c2", retention.ByOrder)); err != nil {
			t.Error(err)
		}
	})
	var done [2]int
	var both sync.WaitGroup
	for i := range done {
		both.Go(func() {
			var err error
			if done[i], err = s.Rewrap(s.ctx, nil); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	stop()
	others.Wait()
	if got := s.under(); got[id] != people-1 || len(got) != 1 {
		t.Errorf("wrapped under %v, want %d under %s alone", got, people-1, id)
	}
	if n := done[0] + done[1]; n < people-1 || n > people {
		t.Errorf("two at once wrapped %v, want %d in all", done, people-1)
	}
	if slices.Contains(s.keys(), "c2") {
		t.Error("who was erased has a key again")
	}
	if err := s.OnlyUnder(s.ctx, id); err != nil {
		t.Error(err)
	}
	if _, err := kek.Forget(strings.TrimPrefix(s.KEK, "file:"), id); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Rewrap(s.ctx, nil); err != nil || again != 0 {
		t.Errorf("wrapping again: %d, %v; want nothing to do", again, err)
	}
	s.submit("B.2.8/1")
	if list, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app}); err != nil || list.Items[0].Text == "[erased]" {
		t.Errorf("evidence after the rotation: %v, %v", list, err)
	}
}

// A process that has the older key alone wraps nothing and destroys nothing.
func TestRewrappingWithAnotherKeyFails(t *testing.T) {
	t.Parallel()
	s := begin(t)
	before := s.under()
	path := filepath.Join(t.TempDir(), "kek.json")
	if _, err := kek.Create(path); err != nil {
		t.Fatal(err)
	}
	key, err := kek.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := postgres.Open(s.ctx, s.DB.Service, postgres.Options{
		KEK: key, Now: time.Now, Limits: evidence.Limits{TextBytes: 1, Indicators: 1}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	if n, err := other.Rewrap(s.ctx, nil); err == nil {
		t.Errorf("%d keys were wrapped with a key that does not open them", n)
	}
	if after := s.under(); len(after) != len(before) || after[key.ID()] != 0 {
		t.Errorf("wrapped under %v, before %v", after, before)
	}
}

// An act that wrapped a key before the rotation may commit after it: what waits for
// it is OnlyUnder.
func TestForgettingWaitsForActsThatBeganBefore(t *testing.T) {
	t.Parallel()
	s := begin(t)
	id := s.rotate()
	if _, err := s.Rewrap(s.ctx, nil); err != nil {
		t.Fatal(err)
	}
	slow := connect(t, s.DB.Superuser).MustBegin()
	if _, err := slow.Exec(`INSERT INTO person (id, name, contact, at) VALUES ('slow', '', '', now())`); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Exec(`INSERT INTO kutse_keys.data_key (person, wrapped, kek, at) VALUES ('slow', '\x00', 'old', now())`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 300*time.Millisecond)
	defer cancel()
	s.refuses("while it is at work", s.OnlyUnder(ctx, id), fault.Unavailable)
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	s.refuses("after it", s.OnlyUnder(s.ctx, id), fault.Conflict, "old")
}

// A restored backup of the keys brings the key of an erased person back.
func TestARestoredKeyIsDestroyedAgain(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.submit("B.2.8/1")
	s.withdraw()
	db := connect(t, s.DB.Superuser)
	backup := `CREATE TABLE public.backup AS SELECT * FROM kutse_keys.data_key`
	if _, err := db.Exec(backup); err != nil {
		t.Fatal(err)
	}
	s.erase("c1")
	if _, err := db.Exec(`INSERT INTO kutse_keys.data_key SELECT * FROM public.backup WHERE person = 'c1'`); err != nil {
		t.Fatal(err)
	}
	list, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app})
	if err != nil || list.Items[0].Text == "[erased]" {
		t.Fatalf("the restored key opens nothing, so that this test proves nothing: %v, %v", list, err)
	}
	for _, want := range []int{1, 0} { // harmless twice
		got, err := s.Honour(s.ctx, nil)
		if err != nil || len(got.Destroyed) != want || len(got.Unrecorded) != 0 {
			t.Errorf("honoured %+v, %v; want %d destroyed", got, err, want)
		}
	}
	if list, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app}); err != nil || list.Items[0].Text != "[erased]" {
		t.Errorf("after honouring: %v, %v", list, err)
	}
}

// The database was restored to before the erasure, which the log that was published
// still knows. The council records it again, whatever terms run there.
func TestAnErasureThatOnlyTheLogKnowsIsHonoured(t *testing.T) {
	t.Parallel()
	s := begin(t)
	got, err := s.Honour(s.ctx, []person.ID{"c1", "never-here"})
	if err != nil || !slices.Equal(got.Destroyed, []person.ID{"c1"}) || !slices.Equal(got.Unrecorded, []person.ID{"c1"}) || !slices.Equal(got.Barred, []person.ID{"never-here"}) {
		t.Fatalf("honoured %+v, %v; want the key of c1 destroyed, its erasure unrecorded, and never-here barred", got, err)
	}
	_, err = s.AddPerson(s.ctx, postgrestest.Operator, request.AddPerson{
		Acting: postgrestest.NewID(), Person: "never-here", Name: "Keegi", Roles: []person.Role{person.Candidate},
	})
	s.refuses("adding whom a restore has lost and the log calls erased", err, fault.Conflict, "never-here was erased", "choose a new one")
	if slices.Contains(s.keys(), "never-here") {
		t.Error("an erased id got another key")
	}
	if slices.Contains(s.keys(), "c1") {
		t.Error("c1 has a key")
	}
	s.must(s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c1", retention.ByRequest))) // an application is open there
	if again, err := s.Honour(s.ctx, []person.ID{"c1", "never-here"}); err != nil || len(again.Destroyed)+len(again.Unrecorded)+len(again.Barred) != 0 {
		t.Errorf("honoured again %+v, %v; want nothing", again, err)
	}
}

func TestKeysAreNotReachableWithoutTheirKey(t *testing.T) {
	t.Parallel()
	s := begin(t)
	none, err := postgres.Open(s.ctx, s.DB.Service, postgres.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = none.Close() })
	if _, err := none.Rewrap(s.ctx, nil); !errors.Is(err, fault.Unavailable) {
		t.Errorf("rewrapping without a key: %v, want unavailable", err)
	}
	if _, err := connect(t, s.DB.Reader).Exec(`SELECT 1 FROM kutse_keys.data_key`); err == nil {
		t.Error("a reader reads keys")
	}
}
