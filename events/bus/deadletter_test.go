package bus_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestWhatFailsForEverBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		err        error
		deliveries uint64
	}{
		"invalid at once":           {fault.Invalid.New("no\nsuch word"), 1},
		"forbidden at once":         {fault.Forbidden.New("not this consumer"), 1},
		"unavailable after a while": {fault.Unavailable.New("later"), 3},
		"broken after a while":      {errors.New("disk on fire"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			n.publish("a", 1)
			config := consumer("withdraw")
			config.MaxDeliver = 3
			n.consume(config, fails(99, func() error { return row.err }))
			n.await("a dead letter", func() bool { return len(n.deadLetters()) == 1 })
			got, f := n.deadLetters()[0], fact("a", 1, 0)
			want := bus.DeadLetter{
				Sequence: 1, At: got.At, Consumer: "withdraw", EventID: f.EventID, Subject: f.Subject, Fact: 1,
				Kind: fault.Of(row.err), Reason: row.err.Error(), Deliveries: row.deliveries, Body: f.Body,
			}
			if row.err.Error() == "no\nsuch word" {
				want.Reason = "no such word"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			n.await("the delivery is ended", func() bool { return n.unanswered() == 0 })
		})
	}
}

func TestWhatCannotBeReadIsADeadLetterAndStopsNobody(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	good := fact("b", 1, 0)
	n.publishBody("noise", fact("a", 1, 0).Subject, []byte("noise"))
	n.publishBody("astray", fact("a", 1, 0).Subject, good.Body) // b's fact under a's subject
	n.publishBody(good.EventID, good.Subject, good.Body)
	c := n.consume(consumer("withdraw"), nil)
	if h := receive(t, c.handled, "the good one"); h.env.ID != good.EventID {
		t.Errorf("handed %+v", h)
	}
	n.await("dead letters", func() bool { return len(n.deadLetters()) == 2 })
	n.await("all is answered", func() bool { return n.unanswered() == 0 })
	for _, l := range n.deadLetters() {
		if l.Kind != fault.Invalid || l.EventID != "noise" && l.EventID != "astray" {
			t.Errorf("got %+v", l)
		}
	}
}

func TestAFactThatEndsProcessesIsBuriedUnhandled(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	config := consumer("withdraw")
	config.MaxDeliver = 2
	n.consume(config, nil).stop()
	n.publish("a", 1)
	place, err := n.js.Consumer(t.Context(), events.Stream, "withdraw")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // two deliveries without an answer of ours
		m, err := place.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Nak(); err != nil {
			t.Fatal(err)
		}
	}
	c := n.consume(config, nil)
	n.await("a dead letter", func() bool { return len(n.deadLetters()) == 1 })
	c.stop()
	if got := len(c.handled); got != 0 {
		t.Errorf("it was handled %d times", got)
	}
}

func TestAReplayReachesTheConsumerThatFailedOnly(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	failing := n.consume(consumer("failing"), fails(2, func() error { return fault.Invalid.New("not yet") }))
	other := n.consume(consumer("other"), nil)
	n.publish("a", 1)
	receive(t, failing.handled, "the fact")
	receive(t, other.handled, "the fact")
	n.await("a dead letter", func() bool { return len(n.deadLetters()) == 1 })

	n.replay(1)
	again := receive(t, failing.handled, "the replay")
	n.await("a new dead letter", func() bool { l := n.deadLetters(); return len(l) == 1 && l[0].Sequence == 2 })
	if l := n.deadLetters()[0]; l.Subject != fact("a", 1, 0).Subject || l.Fact != 1 || l.EventID != "a.1" {
		t.Errorf("the second dead letter does not say where the fact came from: %+v", l)
	}
	n.replay(2)
	if h := receive(t, failing.handled, "the second replay"); h.env.ID != "a.1" || !cmp.Equal(h, again) {
		t.Errorf("handed %+v, then %+v", again, h)
	}
	n.checkDeadLetters()
	if err := bus.ReplayDeadLetter(t.Context(), n.js, 2); !errors.Is(err, fault.NotFound) {
		t.Errorf("replaying what was replayed: %v, want not found", err)
	}
	n.publish("b", 1) // what comes next for the other is this, not a replay
	if h := receive(t, other.handled, "the next fact"); h.env.ID != "b.1" {
		t.Errorf("the other was handed %+v", h)
	}
}

func TestADeadLetterOfNobodyIsKept(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	c := n.consume(consumer("withdraw"), fails(9, func() error { return fault.Invalid.New("no") }))
	n.publish("a", 3)
	n.await("dead letters", func() bool { return len(n.deadLetters()) == 3 })
	c.stop()
	if err := n.js.DeleteConsumer(t.Context(), bus.Replays, "withdraw"); err != nil {
		t.Fatal(err)
	}
	if err := bus.ReplayDeadLetter(t.Context(), n.js, 1); !errors.Is(err, fault.NotFound) {
		t.Errorf("a letter that nobody would be handed: %v, want not found", err)
	}
	if got := n.deadLetters(); len(got) != 3 {
		t.Errorf("%d letters are left of 3", len(got))
	}
	if got, err := bus.ListDeadLetters(t.Context(), n.js, 2); err != nil || len(got) != 2 || got[0].Sequence != 1 {
		t.Errorf("a list of 2: %+v, %v", got, err)
	}
	if got, err := bus.ListDeadLetters(t.Context(), n.js, 0); err != nil || len(got) != 0 {
		t.Errorf("a list of none: %+v, %v", got, err)
	}
}

func TestAReplayWaitsForAConsumerThatIsDown(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	c := n.consume(consumer("withdraw"), fails(1, func() error { return fault.Invalid.New("no") }))
	n.publish("a", 1)
	n.await("a dead letter", func() bool { return len(n.deadLetters()) == 1 })
	c.stop()
	n.replay(1)
	c = n.consume(consumer("withdraw"), nil)
	if h := receive(t, c.handled, "the replay"); h.env.ID != "a.1" {
		t.Errorf("handed %+v", h)
	}
}

func (n *natsTest) deadLetters() []bus.DeadLetter {
	n.Helper()
	letters, err := bus.ListDeadLetters(n.Context(), n.js, 100)
	if err != nil {
		n.Fatal(err)
	}
	return letters
}

func (n *natsTest) checkDeadLetters() {
	n.Helper()
	if got := n.deadLetters(); len(got) != 0 {
		n.Errorf("dead letters: %+v", got)
	}
}

func (n *natsTest) replay(seq uint64) {
	n.Helper()
	if err := bus.ReplayDeadLetter(n.Context(), n.js, seq); err != nil {
		n.Fatal(err)
	}
}
