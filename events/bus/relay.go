package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Relay publishes what the outbox holds. Any number may run; one at a time
// works. The connection behind JetStream should not buffer while it is down
// (nats.ReconnectBufSize(-1)): what it flushed hours later the stream would no
// longer know as published before.
type Relay struct {
	Outbox    Outbox
	JetStream jetstream.JetStream
	Logger    *slog.Logger
	Poll      time.Duration // how often to look without a wake-up; 0: 1s

	published atomic.Uint64
	retry     time.Duration // first pause of an outage; 0: firstRetry
}

const (
	batch      = 200
	ackTimeout = 5 * time.Second
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Published says how many facts this relay got acknowledged, those that the
// stream had already among them.
func (r *Relay) Published() uint64 { return r.published.Load() }

// Run relays until ctx ends, through outages of NATS and of the outbox. It then
// waits for the acknowledgements that are due and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	out := &outage{log: r.Logger, what: "relay", first: r.retry}
	for ctx.Err() == nil {
		err := r.lead(ctx, out)
		if err == nil || ctx.Err() != nil {
			continue
		}
		// The lead is given up in an outage: another process may reach what this
		// one cannot.
		out.wait(ctx, err)
	}
	return nil
}

// lead relays for as long as this is the only relay.
//
// Two relays for a moment, one of which does not know yet that it lost the lead,
// do no harm: both publish a key's facts in their order and only after the
// acknowledgement of the one before, and the stream takes each id once.
func (r *Relay) lead(ctx context.Context, out *outage) error {
	led, release, err := r.Outbox.Lead(ctx)
	if err != nil {
		return fmt.Errorf("taking the lead: %w", err)
	}
	defer release()
	wakeups, err := r.Outbox.Wakeups(led)
	if err != nil {
		return fmt.Errorf("listening for wake-ups: %w", err)
	}
	for led.Err() == nil {
		more, err := r.pass(led)
		if err != nil {
			return err
		}
		out.over()
		if !more {
			wakeups = r.rest(led, wakeups)
		}
	}
	return nil
}

// rest waits for a wake-up or for the poll. It returns the channel to wait for
// next: none once it is closed, or it would wake for ever.
func (r *Relay) rest(led context.Context, wakeups <-chan struct{}) <-chan struct{} {
	poll := r.Poll
	if poll == 0 {
		poll = time.Second
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case _, open := <-wakeups:
		if !open {
			return nil
		}
	case <-timer.C:
	case <-led.Done():
	}
	return wakeups
}

// pass publishes one batch and says whether there may be more.
func (r *Relay) pass(led context.Context) (more bool, err error) {
	pending, err := r.Outbox.Pending(led, batch)
	if err != nil {
		return false, fmt.Errorf("reading the outbox: %w", err)
	}
	acked, err := r.publish(led, pending)
	// Before this line a crash leaves facts in the outbox that the stream has;
	// they are published again and recognised by their ids. After it there is
	// nothing to do again. Facts leave the outbox only here, after their
	// acknowledgement, so no crash loses one.
	return len(pending) == batch, errors.Join(err, r.sent(led, acked))
}

// sent takes what was acknowledged out of the outbox, also when the lead or the
// process is about to end: that it is published stays true.
func (r *Relay) sent(led context.Context, acked []int64) error {
	if len(acked) == 0 {
		return nil
	}
	r.published.Add(uint64(len(acked)))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(led), ackTimeout)
	defer cancel()
	if err := r.Outbox.Sent(ctx, acked); err != nil {
		return fmt.Errorf("marking %d facts as sent: %w", len(acked), err)
	}
	return nil
}
