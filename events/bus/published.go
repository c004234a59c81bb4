package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
)

// PublishedIDs returns the ids of the facts that the stream holds under a
// subject filter, up to what is its end when it is called. It is for comparing
// the stream with the record.
func PublishedIDs(ctx context.Context, js jetstream.JetStream, subjectFilter string) (map[string]bool, error) {
	ids := map[string]bool{}
	err := scan(ctx, js, events.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subjectFilter}, HeadersOnly: true,
	}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		ids[m.Headers().Get(jetstream.MsgIDHeader)] = true
		return true
	})
	return ids, err
}

// patience is how long a scan waits for one message: longer than a restart.
const patience = 30 * time.Second

// scan hands each message of a stream to each, oldest first, until each says no
// or the end is reached as it was when the scan began.
func scan(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.OrderedConsumerConfig,
	each func(jetstream.Msg, *jetstream.MsgMetadata) bool,
) error {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("reading stream %s: %w", stream, err)
	}
	end := s.CachedInfo().State.LastSeq
	consumer, err := s.OrderedConsumer(ctx, cfg)
	if err != nil {
		return fmt.Errorf("reading stream %s: %w", stream, err)
	}
	if consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	msgs, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("reading stream %s: %w", stream, err)
	}
	defer msgs.Stop()
	return read(ctx, msgs, end, each)
}

func read(ctx context.Context, msgs jetstream.MessagesContext, end uint64, each func(jetstream.Msg, *jetstream.MsgMetadata) bool) error {
	for {
		next, cancel := context.WithTimeout(ctx, patience)
		m, err := msgs.Next(jetstream.NextContext(next))
		cancel()
		if err != nil {
			return fmt.Errorf("reading on: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("reading on: %w", err)
		}
		if meta.Sequence.Stream > end || !each(m, meta) || meta.Sequence.Stream == end || meta.NumPending == 0 {
			return nil
		}
	}
}
