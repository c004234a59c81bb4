package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
)

// contentType is that of an envelope: CloudEvents 1.0, structured mode.
const contentType = "application/cloudevents+json"

// publish publishes facts in waves and returns the ids of those acknowledged.
// A wave holds one fact of each key, so a key never has two on their way: a
// retry of the first could not overtake anything. A key with a failure is left
// alone for the rest of the pass.
func (r *Relay) publish(led context.Context, pending []Outgoing) (acked []int64, err error) {
	queues := byKey(pending)
	var failed error
	for len(queues) > 0 && led.Err() == nil {
		errs := r.wave(led, queues)
		var rest [][]Outgoing
		for i, queue := range queues {
			if errs[i] != nil {
				failed = errs[i]
				continue
			}
			acked = append(acked, queue[0].ID)
			if len(queue) > 1 {
				rest = append(rest, queue[1:])
			}
		}
		queues = rest
	}
	return acked, failed
}

// byKey sorts facts into one queue per key, oldest first.
func byKey(pending []Outgoing) [][]Outgoing {
	var queues [][]Outgoing
	of := map[string]int{}
	for _, o := range pending {
		i, ok := of[o.OrderKey]
		if !ok {
			i = len(queues)
			of[o.OrderKey] = i
			queues = append(queues, nil)
		}
		queues[i] = append(queues[i], o)
	}
	return queues
}

// wave publishes the first of each queue, all at once, and waits for every
// answer.
func (r *Relay) wave(led context.Context, queues [][]Outgoing) []error {
	// What is on its way is waited for when the process ends: a drained relay
	// leaves nothing behind that it would publish twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(led), ackTimeout)
	defer cancel()
	errs := make([]error, len(queues))
	var wg sync.WaitGroup
	for i, queue := range queues {
		wg.Go(func() { errs[i] = r.publishOne(ctx, queue[0]) })
	}
	wg.Wait()
	return errs
}

func (r *Relay) publishOne(ctx context.Context, o Outgoing) error {
	if !r.JetStream.Conn().IsConnected() {
		return errors.New("publishing: NATS is not connected")
	}
	msg := nats.NewMsg(o.Subject)
	msg.Header.Set("Content-Type", contentType)
	msg.Data = o.Body
	_, err := r.JetStream.PublishMsg(ctx, msg,
		jetstream.WithMsgID(o.EventID), jetstream.WithExpectStream(events.Stream))
	if err != nil {
		return fmt.Errorf("publishing %s: %w", o.EventID, err)
	}
	return nil
}
