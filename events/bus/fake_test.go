package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/events/bus/bustest"
	"github.com/kutse-dev/kutse/schema/application"
)

// outbox is an Outbox in memory. schema/postgres holds the real one to the same
// suite.
type outbox struct {
	leading chan struct{} // holds one: whoever leads
	wake    chan struct{}

	mu    sync.Mutex
	facts []bus.Outgoing
	next  map[string]int // the next place of a key
	id    int64
	sent  int

	onSent    func([]int64) error // nil, or decides whether Sent is reached
	onPending func() error        // the same for Pending
}

func newOutbox() *outbox {
	return &outbox{leading: make(chan struct{}, 1), wake: make(chan struct{}, 1), next: map[string]int{}}
}

func TestTheOutboxOfTheseTestsKeepsItsContract(t *testing.T) {
	t.Parallel()
	bustest.Outbox(t, func(*testing.T) (bus.Outbox, func(string, int)) {
		o := newOutbox()
		return o, o.add
	})
}

// add commits n facts of an application.
func (o *outbox) add(key string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range n {
		o.id++
		o.next[key]++
		o.facts = append(o.facts, fact(key, o.next[key], o.id))
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func fact(key string, place int, id int64) bus.Outgoing {
	e := events.ApplicationWithdrawn{About: events.About{Application: application.ID(key), Candidate: "mari"}}
	env, err := events.Wrap(fmt.Sprintf("%s.%d", key, place), e, time.Unix(1e9, 0), place, "")
	if err != nil {
		panic(err)
	}
	body, err := json.Marshal(env)
	if err != nil {
		panic(err)
	}
	return bus.Outgoing{ID: id, EventID: env.ID, OrderKey: key, Subject: events.Subject(e), Body: body}
}

func (o *outbox) Lead(ctx context.Context) (context.Context, func(), error) {
	select {
	case o.leading <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	led, cancel := context.WithCancel(ctx)
	return led, func() { cancel(); <-o.leading }, nil
}

func (o *outbox) Pending(_ context.Context, limit int) ([]bus.Outgoing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.onPending != nil {
		if err := o.onPending(); err != nil {
			return nil, err
		}
	}
	return slices.Clone(o.facts[:min(limit, len(o.facts))]), nil
}

func (o *outbox) Sent(_ context.Context, ids []int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.onSent != nil {
		if err := o.onSent(ids); err != nil {
			return err
		}
	}
	o.facts = slices.DeleteFunc(o.facts, func(f bus.Outgoing) bool { return slices.Contains(ids, f.ID) })
	o.sent += len(ids)
	return nil
}

func (o *outbox) Wakeups(context.Context) (<-chan struct{}, error) { return o.wake, nil }
