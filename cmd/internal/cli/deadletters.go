package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/fault"
)

// DeadLettersCmd is `kutse dead-letters`.
type DeadLettersCmd struct {
	List   DeadLettersListCmd   `cmd:"" help:"List facts that a consumer could not handle."`
	Replay DeadLettersReplayCmd `cmd:"" help:"Hand them to their consumer again."`
}

// Help implements kong.HelpProvider.
func (DeadLettersCmd) Help() string {
	return `A fact that a consumer could not handle waits here for a person. These commands go to NATS itself and not through the door: they need an operator's access to it, and no --as.

Example:
  kutse dead-letters list`
}

// DeadLettersListCmd is `kutse dead-letters list`.
type DeadLettersListCmd struct {
	Limit int `default:"100" help:"At most this many, from the oldest."`
}

// Help implements kong.HelpProvider.
func (DeadLettersListCmd) Help() string {
	return "The reason is what the consumer said. With --json the fact itself is printed too.\n\nExample:\n  kutse dead-letters list"
}

// deadLetter is a dead letter in --json form.
type deadLetter struct {
	Sequence   uint64          `json:"sequence"`
	At         time.Time       `json:"at"`
	Consumer   string          `json:"consumer"`
	EventID    string          `json:"event_id"`
	Subject    string          `json:"subject"`
	Fact       uint64          `json:"fact"`
	Kind       fault.Kind      `json:"kind,omitempty"`
	Reason     string          `json:"reason"`
	Deliveries uint64          `json:"deliveries"`
	Body       json.RawMessage `json:"body"`
}

// Run lists the dead letters.
func (c *DeadLettersListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Limit < 1 {
		return fault.Invalid.New("--limit is at least 1")
	}
	list := []deadLetter{}
	err := withJetStream(ctx, g, func(ctx context.Context, js jetstream.JetStream) error {
		letters, err := bus.ListDeadLetters(ctx, js, c.Limit)
		for _, l := range letters {
			list = append(list, readable(l))
		}
		return err
	})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, l := range list {
		rows = append(rows, []string{
			strconv.FormatUint(l.Sequence, 10), instant(l.At), l.Consumer, l.Subject,
			strconv.FormatUint(l.Deliveries, 10), short(l.Reason, textWidth),
		})
	}
	return out.Table(list, []string{"SEQUENCE", "TIME", "CONSUMER", "FACT", "TRIES", "REASON"}, rows, "There are no dead letters.")
}

func readable(l bus.DeadLetter) deadLetter {
	body := json.RawMessage(l.Body)
	if !json.Valid(body) {
		body, _ = json.Marshal(string(l.Body)) // a string can always be written
	}
	return deadLetter{
		Sequence: l.Sequence, At: l.At, Consumer: l.Consumer, EventID: l.EventID, Subject: l.Subject, Fact: l.Fact,
		Kind: l.Kind, Reason: l.Reason, Deliveries: l.Deliveries, Body: body,
	}
}

// DeadLettersReplayCmd is `kutse dead-letters replay`.
type DeadLettersReplayCmd struct {
	Sequence []uint64 `arg:"" optional:"" name:"sequence" help:"Sequences of the dead letters, as the list names them."`
	All      bool     `help:"All of them."`
}

// Help implements kong.HelpProvider.
func (DeadLettersReplayCmd) Help() string {
	return `Mend what made the consumer fail first. One that fails again becomes a new dead letter.

Example:
  kutse dead-letters replay 17`
}

// replayBatch is how many dead letters --all reads at once.
const replayBatch = 500

// Run replays the dead letters.
func (c *DeadLettersReplayCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.All == (len(c.Sequence) > 0) {
		return fault.Invalid.New("name dead letters by their sequence, as kutse dead-letters list shows them, or give --all")
	}
	replayed := []uint64{}
	err := withJetStream(ctx, g, func(ctx context.Context, js jetstream.JetStream) error {
		sequences := c.Sequence
		if c.All {
			letters, err := bus.ListDeadLetters(ctx, js, replayBatch)
			if err != nil {
				return err
			}
			for _, l := range letters {
				sequences = append(sequences, l.Sequence)
			}
		}
		for _, seq := range sequences {
			if err := bus.ReplayDeadLetter(ctx, js, seq); err != nil {
				return err
			}
			replayed = append(replayed, seq)
		}
		return nil
	})
	if len(replayed) == replayBatch && c.All {
		out.Tell("there may be more: the oldest %d were replayed", replayBatch)
	}
	var rows [][]string
	for _, seq := range replayed {
		rows = append(rows, []string{strconv.FormatUint(seq, 10)})
	}
	return errors.Join(err, out.Table(map[string]any{"replayed": replayed}, []string{"REPLAYED"}, rows, "Nothing was replayed."))
}

// withJetStream connects to NATS as an operator. What JetStream does not answer
// in time may be answered later.
func withJetStream(ctx context.Context, g *Globals, do func(context.Context, jetstream.JetStream) error) error {
	url := g.NATSAddress()
	conn, err := nats.Connect(url, nats.Name("kutse dead-letters"))
	if err != nil {
		return fault.Unavailable.Because(err, "NATS does not answer at %s: %v", url, err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return fmt.Errorf("opening JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	err = do(ctx, js)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fault.NotFound.Because(err, "this NATS has no dead letters yet: no kutse serve has run on it")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrNoStreamResponse):
		return fault.Unavailable.Because(err, "JetStream at %s did not answer: %v", url, err)
	}
	return err
}
