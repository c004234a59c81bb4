package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestAConsumerIsHandedEveryFactItAskedFor(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.publish("a", 20)
	n.publishEvent("opened", events.ApplicationOpened{About: events.About{Application: "a", Candidate: "mari"}})
	c := n.consume(consumer("withdraw"), nil)
	n.publish("b", 20)
	got := map[string]bool{}
	for len(got) < 40 {
		h := receive(t, c.handled, "a fact")
		if _, ok := h.event.(events.ApplicationWithdrawn); !ok || h.env.Type != h.event.Type() {
			t.Errorf("handed %+v", h)
		}
		got[h.env.ID] = true
	}
	n.await("all is answered", func() bool { return n.unanswered() == 0 })
}

func TestAFactIsHandedOverUntilItIsHandled(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"ahead of its cause": fault.NotFound.New("no such application"),
		"an outage":          fault.Unavailable.New("later"),
		"a failure of ours":  errors.New("disk on fire"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			n.publish("a", 1)
			c := n.consume(consumer("withdraw"), fails(3, func() error { return err }))
			for range 4 {
				receive(t, c.handled, "a delivery")
			}
			n.await("it is answered", func() bool { return n.unanswered() == 0 })
			n.checkDeadLetters()
		})
	}
}

func TestAPanicIsAFailureLikeAnother(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.publish("a", 1)
	c := n.consume(consumer("withdraw"), fails(1, func() error { panic("oh") }))
	receive(t, c.handled, "a delivery")
	receive(t, c.handled, "another")
	n.await("it is answered", func() bool { return n.unanswered() == 0 })
}

func TestWhatIsSoAlreadyIsHandled(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.publish("a", 1)
	c := n.consume(consumer("withdraw"), fails(9, func() error { return fault.Conflict.New("withdrawn before") }))
	receive(t, c.handled, "a delivery")
	n.await("it is answered", func() bool { return n.unanswered() == 0 })
	n.checkDeadLetters()
}

func TestARestartedConsumerLosesNothing(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	const facts = 200
	n.publish("a", facts)
	got := map[string]bool{}
	for round := 0; len(got) < facts; round++ {
		if round == 2 {
			n.stop()
			n.start()
			n.reconnected()
		}
		c := n.consume(consumer("withdraw"), nil)
		receive(t, c.handled, "a fact")
		c.stop()
		for len(c.handled) > 0 {
			<-c.handled
		}
		for _, id := range c.ids() {
			got[id] = true
		}
	}
	n.await("all is answered", func() bool { return n.unanswered() == 0 })
}

func TestAConsumerOutlivesNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.publish("a", 5)
	c := n.consume(consumer("withdraw"), nil)
	for range 5 {
		receive(t, c.handled, "a fact")
	}
	n.stop()
	n.start()
	n.reconnected()
	n.publish("b", 5)
	for seen := map[string]bool{}; len(seen) < 5; { // some of a may come again
		if h := receive(t, c.handled, "a fact after the restart"); h.env.Subject == "b" {
			seen[h.env.ID] = true
		}
	}
}

func TestStoppingWithoutNATSEnds(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	c := n.consume(consumer("withdraw"), nil)
	n.publish("a", 1)
	receive(t, c.handled, "a fact")
	n.stop()
	c.stop()
	n.start()
}

func TestStoppingFinishesWhatIsBegun(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.publish("a", 1)
	begun, finish := make(chan struct{}), make(chan struct{})
	var ended error
	c := n.consume(consumer("withdraw"), func(ctx context.Context) error {
		close(begun)
		<-finish
		ended = ctx.Err()
		return nil
	})
	receive(t, begun, "handling begins")
	c.cancel()
	select {
	case <-c.done:
		t.Error("stopped while a fact is handled")
	default:
	}
	close(finish)
	c.stop()
	if ended != nil {
		t.Errorf("handling was told to end: %v", ended)
	}
	n.await("it is answered", func() bool { return n.unanswered() == 0 })
}

func TestAConsumerSaysWhoItIs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bus.Consumer){
		"no name":    func(c *bus.Consumer) { c.Name = "" },
		"a wildcard": func(c *bus.Consumer) { c.Name = "a.*" },
		"no facts":   func(c *bus.Consumer) { c.Facts = nil },
		"no handler": func(c *bus.Consumer) { c.Handle = nil },
		"no logger":  func(c *bus.Consumer) { c.Logger = nil },
	} {
		c := consumer("withdraw")
		c.Handle = func(context.Context, events.Envelope, events.Event) error { return nil }
		change(&c)
		if err := bus.Consume(t.Context(), nil, c); err == nil {
			t.Errorf("%s: it ran", name)
		}
	}
}

// consumer is one that does not wait for long.
func consumer(name string) bus.Consumer {
	return bus.Consumer{
		Name: name, Facts: []events.Event{events.ApplicationWithdrawn{}}, Logger: quiet,
		Workers: 3, Timeout: 5 * time.Second, MaxDeliver: 20, Backoff: []time.Duration{time.Millisecond, 10 * time.Millisecond},
	}
}

// handed is what a handler was called with.
type handed struct {
	env   events.Envelope
	event events.Event
}

// Equal is for cmp.
func (h handed) Equal(o handed) bool { return cmp.Equal(h.env, o.env) && cmp.Equal(h.event, o.event) }

// running is a consumer of a test.
type running struct {
	t       *testing.T
	handled chan handed
	done    chan struct{}
	cancel  func()

	mu  sync.Mutex
	all []string
}

// consume runs c over a connection of its own. behave, unless nil, says how each
// call of the handler ends.
func (n *natsTest) consume(c bus.Consumer, behave func(context.Context) error) *running {
	n.Helper()
	r := &running{t: n.T, handled: make(chan handed, 10_000), done: make(chan struct{})}
	c.Handle = func(ctx context.Context, env events.Envelope, e events.Event) error {
		r.mu.Lock()
		r.all = append(r.all, env.ID)
		r.mu.Unlock()
		r.handled <- handed{env, e}
		if behave == nil {
			return nil
		}
		return behave(ctx)
	}
	js := n.connect()
	ctx, cancel := context.WithCancel(context.WithoutCancel(n.Context()))
	r.cancel = cancel
	go func() {
		defer close(r.done)
		if err := bus.Consume(ctx, js, c); err != nil {
			n.Error(err)
		}
	}()
	n.Cleanup(r.stop)
	n.await("the consumer has its places", func() bool {
		_, err := n.js.Consumer(n.Context(), bus.Replays, c.Name)
		return err == nil
	})
	return r
}

func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	receive(r.t, r.done, "the consumer ends")
}

func (r *running) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// fails ends the first calls with an error.
func fails(calls int, with func() error) func(context.Context) error {
	var mu sync.Mutex
	return func(context.Context) error {
		mu.Lock()
		calls--
		failing := calls >= 0
		mu.Unlock()
		if failing {
			return with()
		}
		return nil
	}
}

// unanswered is how much the consumer owes an answer to, or was not handed yet.
func (n *natsTest) unanswered() int {
	n.Helper()
	c, err := n.js.Consumer(n.Context(), events.Stream, "withdraw")
	if err != nil {
		n.Fatal(err)
	}
	return c.CachedInfo().NumAckPending + int(c.CachedInfo().NumPending)
}

func (n *natsTest) publishEvent(id string, e events.Event) {
	n.Helper()
	env, err := events.Wrap(id, e, time.Unix(1e9, 0), 0, "")
	if err != nil {
		n.Fatal(err)
	}
	n.publishBody(id, events.Subject(e), fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"data":%s}`,
		id, events.Source, e.Type(), env.Data))
}
