package postgres_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/events/bus/bustest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

func TestTheRecordKeepsAnOutbox(t *testing.T) {
	t.Parallel()
	bustest.Outbox(t, func(t *testing.T) (bus.Outbox, func(string, int)) {
		r := postgrestest.New(t)
		return r, adder(t, r)
	})
}

// adder commits n facts of a key through the acts of a candidate of that name.
func adder(t *testing.T, r *postgrestest.Record) func(key string, n int) {
	var mu sync.Mutex
	apps := map[string]application.ID{}
	open := func(key string) (application.ID, bool) {
		mu.Lock()
		defer mu.Unlock()
		if app := apps[key]; app != "" {
			return app, false
		}
		if _, err := r.AddPerson(t.Context(), postgrestest.Operator, request.AddPerson{
			Acting: postgrestest.NewID(), Person: person.ID(key), Name: key, Roles: []person.Role{person.Candidate},
		}); err != nil {
			t.Error(err)
		}
		receipt, err := r.OpenApplication(t.Context(), postgres.Actor{ID: person.ID(key), Role: person.Candidate},
			request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager})
		if err != nil {
			t.Error(err)
		}
		apps[key] = application.ID(receipt.Record)
		return apps[key], true
	}
	return func(key string, n int) {
		app, opened := open(key)
		if opened {
			n--
		}
		for range n {
			if _, err := r.SubmitEvidence(t.Context(), postgres.Actor{ID: person.ID(key), Role: person.Candidate}, request.SubmitEvidence{
				Acting: postgrestest.NewID(), Application: app, Kind: evidence.Text, Text: "I did this.",
				Indicators: []catalogue.IndicatorID{{Competence: "B.2.8", Ordinal: 1}},
			}); err != nil {
				t.Errorf("adding to %s: %v", key, err)
			}
		}
	}
}

// another opens the record as a second process does.
func another(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{
		Now: time.Now, Limits: evidence.Limits{TextBytes: 1 << 10, Indicators: 10}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// terminate ends backends, as a failover or an administrator does.
func terminate(t *testing.T, db *sqlx.DB, which string) {
	t.Helper()
	var ended int
	if err := db.Get(&ended, `SELECT count(pg_terminate_backend(pid)) FROM (`+which+`) AS w`); err != nil || ended == 0 {
		t.Fatalf("ended %d backends (%v) of: %s", ended, err, which)
	}
}

func within[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %s in vain: %s", patience, what)
		panic("not reached")
	}
}

func TestTheLeadPassesOnWhenItsConnectionIsLost(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	led, release, err := r.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	second := make(chan context.Context, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	other := another(t, r.DB.Service)
	wg.Go(func() {
		led, release, err := other.Lead(ctx)
		if err != nil {
			t.Errorf("the second process: %v", err)
			return
		}
		defer release()
		second <- led
	})
	select {
	case <-second:
		t.Fatal("two processes lead")
	case <-time.After(100 * time.Millisecond): // that nothing happens can only be waited for
	}
	terminate(t, connect(t, r.DB.Superuser), `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	within(t, led.Done(), "the first to notice that it leads no more")
	if got := within(t, second, "the second to take over"); got == nil {
		t.Error("the second has no lead")
	}
}

func TestWakeUpsGoOnAfterTheListenerIsCutOff(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	rings, err := r.Wakeups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add := adder(t, r)
	add("a", 1)
	within(t, rings, "a ring before")
	terminate(t, connect(t, r.DB.Superuser),
		`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kutse-wakeups'`)
	within(t, rings, "the ring of the new connection: there may be news")
	add("a", 1)
	within(t, rings, "a ring after")
}

func TestWakeUpsEndWithTheirContextThoughPostgreSQLIsAway(t *testing.T) {
	t.Parallel()
	proxy := newCutter(t, postgrestest.New(t).DB.Service)
	r := another(t, proxy.url)
	if err := proxy.listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := r.Wakeups(ctx)
		ended <- err
	}()
	cancel()
	if err := within(t, ended, "Wakeups to end"); err == nil {
		t.Error("Wakeups listens to a database that is away")
	}
}

func published(t *testing.T, r *postgrestest.Record, before time.Time) []string {
	t.Helper()
	var ids []string
	if err := r.PublishedFacts(t.Context(), before, func(page []string) error {
		ids = append(ids, page...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestWhatIsPublishedAgainStandsInTheOutboxOnce(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	adder(t, r)("a", 4)
	later := time.Now().Add(time.Hour)
	pending := pendingOf(t, r)
	if got := published(t, r, later); len(got) != 0 {
		t.Errorf("published %v while all 4 wait in the outbox", got)
	}
	if err := r.Sent(t.Context(), []int64{pending[0].ID, pending[1].ID, pending[2].ID}); err != nil {
		t.Fatal(err)
	}
	want := []string{pending[0].EventID, pending[1].EventID, pending[2].EventID}
	got := published(t, r, later)
	if !slices.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
	if got := published(t, r, time.Now().Add(-time.Hour)); len(got) != 0 {
		t.Errorf("recorded an hour ago: %v, want none", got)
	}
	for range 2 { // what nobody recorded is left out
		if err := r.PublishAgain(t.Context(), append(got, uuid.NewString())); err != nil {
			t.Fatal(err)
		}
	}
	var order []string
	for _, o := range pendingOf(t, r) {
		order = append(order, o.EventID)
	}
	if want := append([]string{pending[3].EventID}, want...); !slices.Equal(order, want) {
		t.Errorf("pending %v, want %v: what waited, then the rest in its order", order, want)
	}
}

func pendingOf(t *testing.T, r *postgrestest.Record) []bus.Outgoing {
	t.Helper()
	got, err := r.Pending(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A cursor over ids would step over the fact of the slow transaction for ever.
func TestASlowTransactionsFactIsPendingWhenItCommits(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	db := connect(t, r.DB.Service)
	slow, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Rollback()
	id := uuid.NewString()
	if _, err := slow.Exec(`INSERT INTO event (id, position, type, order_key, subject, body, at)
VALUES ($1, 0, 'slow.fact.v1', 'slow', 'evt.v1.slow', '{}', now())`, id); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Exec(`INSERT INTO outbox (at, event) VALUES (now(), $1)`, id); err != nil {
		t.Fatal(err)
	}
	adder(t, r)("a", 2)
	first := pendingOf(t, r)
	if len(first) != 2 {
		t.Fatalf("pending %+v, want the 2 that were committed", first)
	}
	if err := r.Sent(t.Context(), []int64{first[0].ID, first[1].ID}); err != nil {
		t.Fatal(err)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := pendingOf(t, r); len(got) != 1 || got[0].EventID != id || got[0].ID > first[0].ID {
		t.Errorf("pending %+v, want the slow one, with an id before %d", got, first[0].ID)
	}
}
