// Package bustest holds what implementations of the ports of bus owe, as tests.
package bustest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/bus"
)

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

// Outbox holds an outbox to its contract. make returns an empty one and add,
// which commits n facts of a key, one after another; add may be called by
// several goroutines. Each test of the suite calls make once.
func Outbox(t *testing.T, make func(t *testing.T) (outbox bus.Outbox, add func(key string, n int))) {
	for name, test := range map[string]func(*testing.T, bus.Outbox, func(string, int)){
		"an empty outbox has nothing pending":        emptyHasNothing,
		"what was added is pending, whole":           pendingIsWhole,
		"the facts of a key come in their order":     keysKeepTheirOrder,
		"the limit leaves out the latest":            theLimitLeavesOutTheLatest,
		"only what was sent leaves":                  onlySentLeaves,
		"one relay leads at a time":                  oneLeads,
		"waiting for the lead ends with the context": waitingEnds,
		"the lead ends with the context":             leadEndsWithContext,
		"an added fact wakes the relay":              addingWakes,
		"wake-ups need not be taken":                 wakeupsNeedNotBeTaken,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outbox, add := make(t)
			test(t, outbox, add)
		})
	}
}

func emptyHasNothing(t *testing.T, o bus.Outbox, _ func(string, int)) {
	if got := pending(t, o, 10); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func pendingIsWhole(t *testing.T, o bus.Outbox, add func(string, int)) {
	add("a", 2)
	add("b", 1)
	got := pending(t, o, 10)
	ids, events, keys := map[int64]bool{}, map[string]bool{}, map[string]int{}
	for _, f := range got {
		if f.Subject == "" || len(f.Body) == 0 || f.EventID == "" || f.OrderKey == "" {
			t.Errorf("something is missing in %+v", f)
		}
		ids[f.ID], events[f.EventID] = true, true
		keys[f.OrderKey]++
	}
	if len(got) != 3 || len(ids) != 3 || len(events) != 3 || len(keys) != 2 {
		t.Errorf("got %d facts, %d ids, %d event ids, %d keys; want 3, 3, 3, 2", len(got), len(ids), len(events), len(keys))
	}
	if again := pending(t, o, 10); len(again) != 3 {
		t.Errorf("reading took %d of 3 away", 3-len(again))
	}
}

func keysKeepTheirOrder(t *testing.T, o bus.Outbox, add func(string, int)) {
	// One key is added to by one goroutine, as one application's facts are
	// written under its lock; what is pending then must only grow at its end.
	const keys, rounds = 4, 10
	var wg sync.WaitGroup
	for k := range keys {
		wg.Go(func() {
			for range rounds {
				add(fmt.Sprint("key-", k), 1)
			}
		})
	}
	before := map[string][]int64{}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		now := map[string][]int64{}
		for _, f := range pending(t, o, 1000) {
			now[f.OrderKey] = append(now[f.OrderKey], f.ID)
		}
		for key, ids := range before {
			if len(now[key]) < len(ids) || !slices.Equal(now[key][:len(ids)], ids) {
				t.Fatalf("%s had %v, now %v", key, ids, now[key])
			}
		}
		before = now
	}
	for key, ids := range before {
		if len(ids) != rounds {
			t.Errorf("%s has %d, want %d", key, len(ids), rounds)
		}
	}
	if len(before) != keys {
		t.Errorf("got %d keys, want %d", len(before), keys)
	}
}

func theLimitLeavesOutTheLatest(t *testing.T, o bus.Outbox, add func(string, int)) {
	add("a", 5)
	all := pending(t, o, 10)
	if first := pending(t, o, 3); len(first) != 3 || first[0].ID != all[0].ID || first[2].ID != all[2].ID {
		t.Errorf("with a limit of 3: %+v of %+v", first, all)
	}
}

func onlySentLeaves(t *testing.T, o bus.Outbox, add func(string, int)) {
	add("a", 5)
	all := pending(t, o, 10)
	for range 2 { // sent again is fine
		if err := o.Sent(t.Context(), []int64{all[0].ID, all[3].ID, 1 << 60}); err != nil {
			t.Fatal(err)
		}
	}
	var left []int64
	for _, f := range pending(t, o, 10) {
		left = append(left, f.ID)
	}
	if want := []int64{all[1].ID, all[2].ID, all[4].ID}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}
}

func oneLeads(t *testing.T, o bus.Outbox, _ func(string, int)) {
	led, release := lead(t, o)
	second := make(chan context.Context, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		led, release, err := o.Lead(t.Context())
		if err != nil {
			t.Errorf("the second: %v", err)
			second <- nil
			return
		}
		defer release()
		second <- led
	})
	select {
	case <-second:
		t.Error("two lead")
	case <-time.After(200 * time.Millisecond): // that nothing happens can only be waited for
	}
	if led.Err() != nil {
		t.Errorf("the lead was lost: %v", led.Err())
	}
	release()
	if led.Err() == nil {
		t.Error("the first still leads after its release")
	}
	select {
	case led := <-second:
		if led == nil {
			t.Error("the second got no lead")
		}
	case <-time.After(patience):
		t.Error("the second does not get the lead")
	}
}

func waitingEnds(t *testing.T, o bus.Outbox, _ func(string, int)) {
	_, release := lead(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() {
		_, _, err := o.Lead(ctx)
		waiting <- err
	}()
	cancel()
	select {
	case err := <-waiting:
		if err == nil {
			t.Error("two lead")
		}
	case <-time.After(patience):
		t.Error("the second still waits")
	}
	release()
	_, release = lead(t, o)
	release()
}

func leadEndsWithContext(t *testing.T, o bus.Outbox, _ func(string, int)) {
	ctx, cancel := context.WithCancel(t.Context())
	led, release, err := o.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-led.Done():
	case <-time.After(patience):
		t.Error("it still leads")
	}
	release()
	_, release = lead(t, o)
	release()
}

func addingWakes(t *testing.T, o bus.Outbox, add func(string, int)) {
	wake, err := o.Wakeups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add("a", 1)
	select {
	case <-wake:
	case <-time.After(patience):
		t.Error("no wake-up")
	}
}

func wakeupsNeedNotBeTaken(t *testing.T, o bus.Outbox, add func(string, int)) {
	if _, err := o.Wakeups(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		add("a", 1)
	}
	if got := pending(t, o, 100); len(got) != 20 {
		t.Errorf("%d pending, want 20", len(got))
	}
}

func pending(t *testing.T, o bus.Outbox, limit int) []bus.Outgoing {
	t.Helper()
	got, err := o.Pending(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func lead(t *testing.T, o bus.Outbox) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	led, release, err := o.Lead(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return led, release
}
