package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
)

// crashes is how often the relay dies between publishing and Sent.
const crashes = 167

func TestCrashesBetweenPublishingAndSentLeaveNoTrace(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	const writers, facts = 8, 125
	wrote := write(o, writers, facts)

	crash, died := errors.New("crash"), 0
	for round := 0; died < crashes; round++ {
		ctx, kill := context.WithCancel(t.Context())
		o.mu.Lock()
		o.onSent = func([]int64) error {
			kill()
			if round%5 == 4 { // now and then it gets on
				return nil
			}
			died++
			return crash
		}
		o.mu.Unlock()
		o.add("late", 1) // so that there is something to die of
		if err := relay(o, n.js).Run(ctx); err != nil {
			t.Fatal(err)
		}
	}
	o.mu.Lock()
	o.onSent = nil
	o.mu.Unlock()
	wrote.Wait()
	n.relayAll(o, 1)
	n.checkWhole(o)
}

func TestTwoRelaysPublishEachFactOnce(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	wrote := write(o, 8, 50)
	n.relayAll(o, 2)
	wrote.Wait()
	n.relayAll(o, 2)
	n.checkWhole(o)
}

func TestTheRelayOutlivesNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	var log lockedBuffer
	r := relay(o, n.connect())
	r.Logger = slog.New(slog.NewTextHandler(&log, nil))
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()

	o.add("a", 100)
	n.await("the first facts", func() bool { return r.Published() == 100 })
	n.stop()
	o.add("a", 100)
	n.await("the outage is noticed", func() bool { return strings.Contains(log.String(), "outage began") })
	n.start()
	n.await("the rest", func() bool { return o.left() == 0 && strings.Contains(log.String(), "outage ended") })
	cancel()
	if err := receive(t, ran, "the relay ends"); err != nil {
		t.Errorf("Run = %v, want nil after its context ended", err)
	}
	n.reconnected()
	n.checkWhole(o)
	if got := strings.Count(log.String(), "outage began"); got != 1 {
		t.Errorf("one outage gave %d lines:\n%s", got, log.String())
	}
}

func TestTheRelayOutlivesTheOutbox(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	down := 4
	fail := func() error {
		if down--; down >= 0 {
			return errors.New("no database")
		}
		return nil
	}
	o.onPending, o.onSent = fail, func([]int64) error { return fail() }
	o.add("a", 10)
	n.relayAll(o, 1)
	n.checkWhole(o)
}

func TestAFactThatCannotBePublishedHoldsBackItsKeyOnly(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	o.add("good", 2)
	o.add("bad", 1)
	o.facts[2].Body = bytes.Repeat([]byte("x"), 300<<10) // more than a fact may have
	o.add("bad", 2)
	o.add("good", 2)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- relay(o, n.js).Run(ctx) }()
	n.await("the good ones", func() bool { return o.left() == 3 })
	cancel()
	if err := receive(t, ran, "the relay ends"); err != nil {
		t.Errorf("the relay ended with %v", err)
	}
	if diff := cmp.Diff([]string{"good.1", "good.2", "good.3", "good.4"}, n.published()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestAFactGoesOutAsACloudEvent(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	o := newOutbox()
	o.add("a", 1)
	n.relayAll(o, 1)
	s, err := n.js.Stream(t.Context(), events.Stream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := fact("a", 1, 1)
	if m.Subject != want.Subject || !bytes.Equal(m.Data, want.Body) ||
		m.Header.Get("Nats-Msg-Id") != "a.1" || m.Header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("got %s %v %s", m.Subject, m.Header, m.Data)
	}
}

func TestProvisioningAgainKeepsWhatTheOperatorSet(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s, err := n.js.Stream(t.Context(), events.Stream)
	if err != nil {
		t.Fatal(err)
	}
	before := s.CachedInfo().Config
	set := before
	set.MaxBytes = 1 << 20
	if _, err := n.js.UpdateStream(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	n.provision()
	s, err = n.js.Stream(t.Context(), events.Stream)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(set, s.CachedInfo().Config); diff != "" {
		t.Errorf("provisioned again (-before +after):\n%s", diff)
	}
	if !before.DenyDelete || !before.DenyPurge || before.AllowRollup || before.AllowMsgTTL || before.AllowMsgSchedules {
		t.Errorf("facts can be removed: %+v", before)
	}
	if err := s.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("a fact could be deleted")
	}
}

func TestPublishedIDsAreThoseOfTheStream(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	for want, keys := range [][]string{nil, {"a"}, {"a", "b"}} {
		for _, key := range keys {
			n.publish(key, 2) // again is harmless
		}
		got, err := bus.PublishedIDs(t.Context(), n.js, events.StreamSubjects)
		if err != nil || len(got) != 2*want {
			t.Errorf("%v: got %v, %v; want %d", keys, got, err, 2*want)
		}
	}
	got, err := bus.PublishedIDs(t.Context(), n.js, "evt.v1.cand.*.b.>")
	if diff := cmp.Diff(map[string]bool{"b.1": true, "b.2": true}, got); diff != "" || err != nil {
		t.Errorf("of b: %v (-want +got):\n%s", err, diff)
	}
	got, err = bus.PublishedIDs(t.Context(), n.js, "evt.v1.asr.>")
	if err != nil || len(got) != 0 {
		t.Errorf("of nobody: %v, %v", got, err)
	}
}

func relay(o *outbox, js jetstream.JetStream) *bus.Relay {
	return &bus.Relay{Outbox: o, JetStream: js, Logger: quiet, Poll: 20 * time.Millisecond}
}

// write commits facts by several writers at once, each of a few applications.
func write(o *outbox, writers, facts int) *sync.WaitGroup {
	wg := &sync.WaitGroup{}
	for w := range writers {
		wg.Go(func() {
			for i := range facts {
				o.add(fmt.Sprintf("app-%d-%d", w, i%3), 1)
			}
		})
	}
	return wg
}

// relayAll runs relays until the outbox is empty.
func (n *natsTest) relayAll(o *outbox, relays int) {
	n.Helper()
	ctx, cancel := context.WithCancel(n.Context())
	var wg sync.WaitGroup
	for range relays {
		js := n.connect()
		wg.Go(func() {
			if err := relay(o, js).Run(ctx); err != nil {
				n.Error(err)
			}
		})
	}
	n.await("the outbox is empty", func() bool { return o.left() == 0 })
	cancel()
	wg.Wait()
}

func (n *natsTest) reconnected() {
	n.Helper()
	n.await("the test is connected", n.js.Conn().IsConnected)
}

// checkWhole holds the stream to what was committed: each fact once, those of a
// key in their order.
func (n *natsTest) checkWhole(o *outbox) {
	n.Helper()
	last, total := map[string]int{}, 0
	for _, id := range n.published() {
		key, _, _ := strings.Cut(id, ".")
		if want := fmt.Sprintf("%s.%d", key, last[key]+1); id != want {
			n.Fatalf("the stream has %s where %s is due", id, want)
		}
		last[key]++
		total++
	}
	if int64(total) != o.id {
		n.Errorf("the stream has %d facts of %d", total, o.id)
	}
	if diff := cmp.Diff(o.next, last); diff != "" {
		n.Errorf("facts per key (-committed +published):\n%s", diff)
	}
}

func (o *outbox) left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.facts)
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
