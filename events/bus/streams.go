// Package bus carries facts from the record to whoever acts on them, over NATS
// JetStream. It is the only place where facts meet JetStream.
//
// What it promises: every fact that the outbox holds is published, the facts of
// one application in their order; every consumer is handed every fact it asked
// for at least once, in no order; a fact that cannot be handled ends among the
// dead letters and nowhere else. What it needs: handlers that are harmless
// twice. The record in PostgreSQL stays the truth; the stream can be compared
// with it (PublishedIDs) and is never read as the record.
package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
)

const (
	// maxFact bounds a fact: it is ids and digests, and as large as this only by
	// mistake. What is made of one has room for what is said about it.
	maxFact = 256 << 10

	// remembered is how long a stream knows the ids it has stored. A relay that
	// died between an acknowledgement and Sent has to be back within it, or its
	// last batch stands in the stream twice; handlers bear that.
	remembered = time.Hour
)

// The streams beside that of the facts.
const (
	DeadLetters = "DLQ"
	Replays     = "REPLAY"
)

// streams are the streams of this package. None forgets by age: a fact is small,
// a consumer that is added later starts from the first, and a dead letter waits
// for a person however long that takes. A full disk refuses the new instead of
// dropping the old: the relay then waits and says so, and nothing is lost.
//
// Off are all features by which a publisher could remove what others published:
// roll-ups, message lifetimes, schedules.
func streams() []jetstream.StreamConfig {
	facts := stream(events.Stream, events.StreamSubjects, "facts of the record")
	facts.DenyDelete = true
	facts.MaxMsgSize = maxFact
	return []jetstream.StreamConfig{
		facts,
		stream(DeadLetters, "dlq.v1.>", "facts that a consumer could not handle"),
		stream(Replays, "replay.v1.>", "dead letters on their way back to the consumer that failed"),
	}
}

func stream(name, subjects, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subjects}, Description: description,
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgSize: 2 * maxFact, Duplicates: remembered,
		DenyPurge: true, AllowDirect: true, Replicas: 1,
	}
}

// Provision creates the streams or brings them up to date. It is harmless twice.
// How many copies of a stream there are, where, and how large it may grow is the
// operator's: what a stream that exists says about these is kept.
func Provision(ctx context.Context, js jetstream.JetStream) error {
	for _, cfg := range streams() {
		have, err := js.Stream(ctx, cfg.Name)
		switch {
		case err == nil:
			was := have.CachedInfo().Config
			cfg.Replicas, cfg.Placement, cfg.MaxBytes = was.Replicas, was.Placement, was.MaxBytes
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("reading stream %s: %w", cfg.Name, err)
		}
		if _, err := js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("provisioning stream %s: %w", cfg.Name, err)
		}
	}
	return nil
}
