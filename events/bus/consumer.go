package bus

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
)

// Consumer is who acts on facts.
type Consumer struct {
	Name  string         // what it does: start-assessments. It never changes: the stream keeps its place under it
	Facts []events.Event // one of each type it acts on

	// Handle acts on a fact. It is called by several workers at once and in no
	// order, may be called again for a fact it has handled, and says by the kind of
	// its error what becomes of the fact (fault.go). Its context does not end when
	// the consumer stops: what is begun is finished.
	Handle func(context.Context, events.Envelope, events.Event) error

	Workers    int             // 0: 4
	Timeout    time.Duration   // of one call of Handle; 0: 20s
	MaxDeliver int             // deliveries before a fact is a dead letter; 0: 50, some seven hours of outage
	Backoff    []time.Duration // before each next delivery, the last again and again; nil: 1s to 10m
	Logger     *slog.Logger
}

// maxUnanswered bounds what is handed over and unanswered, what waits for its
// next delivery among it. When everything fails, the consumer stands still here
// instead of going through the whole stream in vain.
const maxUnanswered = 1000

var consumerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// Consume hands facts to c until ctx ends, through outages of NATS. It then
// finishes what was handed over and returns nil; an error is only that it could
// not begin. Any number of processes may
// consume under one name; each fact goes to one of them.
func Consume(ctx context.Context, js jetstream.JetStream, c Consumer) error {
	if err := c.check(); err != nil {
		return err
	}
	c.setDefaults()
	facts := source{js: js, consumer: c, stream: events.Stream, filters: c.filters(), workers: c.Workers}
	replays := source{js: js, consumer: c, stream: Replays, filters: []string{replaySubject(events.Stream, c.Name)}, workers: 1}
	for _, s := range []source{facts, replays} {
		if _, err := s.durable(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { facts.run(ctx) })
	wg.Go(func() { replays.run(ctx) })
	wg.Wait()
	return nil
}

func (c *Consumer) check() error {
	switch {
	case !consumerName.MatchString(c.Name):
		return fmt.Errorf("%q is not a consumer's name", c.Name)
	case len(c.Facts) == 0 || c.Handle == nil || c.Logger == nil:
		return fmt.Errorf("consumer %s needs facts, a handler and a logger", c.Name)
	}
	return nil
}

func (c *Consumer) setDefaults() {
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.Timeout <= 0 {
		c.Timeout = 20 * time.Second
	}
	if c.MaxDeliver <= 0 {
		c.MaxDeliver = 50
	}
	if len(c.Backoff) == 0 {
		c.Backoff = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute}
	}
	c.Logger = c.Logger.With(slog.String("consumer", c.Name))
}

func (c *Consumer) filters() []string {
	var filters []string
	for _, e := range c.Facts {
		filters = append(filters, events.Filter(e))
	}
	slices.Sort(filters)
	return slices.Compact(filters)
}

// pause is how long to wait after a delivery, the first being 1.
func (c *Consumer) pause(delivery uint64) time.Duration {
	return c.Backoff[min(max(delivery, 1), uint64(len(c.Backoff)))-1]
}

// source is a stream from which a consumer is handed facts.
type source struct {
	js       jetstream.JetStream
	consumer Consumer
	stream   string
	filters  []string
	workers  int
}

// durable creates the consumer's place in the stream, or finds it.
//
// The server counts no deliveries against a limit: at its limit it would drop
// the fact, and a process that died during the last delivery could not bury it.
// We count instead. Nor has it a back-off: that would replace
// AckWait, and hand a fact over again while it is being handled.
func (s source) durable(ctx context.Context) (jetstream.Consumer, error) {
	consumer, err := s.js.CreateOrUpdateConsumer(ctx, s.stream, jetstream.ConsumerConfig{
		Durable: s.consumer.Name, FilterSubjects: s.filters,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		// A fact waits for a worker for as long as one call, and then is handled:
		// the third is to spare.
		AckWait: 3 * s.consumer.Timeout, MaxDeliver: -1, MaxAckPending: maxUnanswered,
	})
	if err != nil {
		return nil, fmt.Errorf("consumer %s of stream %s: %w", s.consumer.Name, s.stream, err)
	}
	return consumer, nil
}

// run hands facts to workers until ctx ends and the last is handled.
func (s source) run(ctx context.Context) {
	msgs := make(chan jetstream.Msg)
	var workers sync.WaitGroup
	for range s.workers {
		workers.Go(func() {
			for m := range msgs {
				s.handle(context.WithoutCancel(ctx), m)
			}
		})
	}
	out := &outage{log: s.consumer.Logger, what: "consumer"}
	for ctx.Err() == nil {
		if err := s.pull(ctx, out, msgs); err != nil && ctx.Err() == nil {
			out.wait(ctx, err)
		}
	}
	close(msgs)
	workers.Wait()
}

// pull receives until ctx ends, or until the place in the stream is gone and has
// to be made again. What was received when ctx ended is still handed over.
func (s source) pull(ctx context.Context, out *outage, msgs chan<- jetstream.Msg) error {
	consumer, err := s.durable(ctx)
	if err != nil {
		return err
	}
	received, err := consumer.Messages(jetstream.PullMaxMessages(s.workers), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	if err != nil {
		return fmt.Errorf("receiving: %w", err)
	}
	defer received.Stop()
	out.over()
	for {
		m, err := received.Next(jetstream.NextContext(ctx))
		if err == nil {
			msgs <- m
		}
		if ctx.Err() != nil {
			drain(received, msgs)
			return nil
		}
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
	}
}

// drain passes on what was received before; it would otherwise be handed over
// again only after AckWait. Without a connection nothing says that this was all,
// so it does not wait for long.
func drain(received jetstream.MessagesContext, msgs chan<- jetstream.Msg) {
	received.Drain()
	for {
		m, err := received.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			return
		}
		msgs <- m
	}
}
