package bus

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/fault"
)

// delivery is a fact as it was handed over, this time.
type delivery struct {
	source
	msg    jetstream.Msg
	origin origin // where it stands in the stream of facts
	number uint64 // from 1; starts anew when NATS does, so it is a hint
	seq    uint64 // in the stream it came from
}

// handle hands a message to the consumer's Handle and answers it.
func (s source) handle(ctx context.Context, m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		s.consumer.Logger.ErrorContext(ctx, "message is no delivery", slog.Any("error", err))
		return
	}
	d := delivery{
		source: s, msg: m, origin: originOf(m, meta),
		number: meta.NumDelivered, seq: meta.Sequence.Stream,
	}
	if d.number > uint64(d.consumer.MaxDeliver) {
		// Nobody answered its last delivery: handling it may be what ends the process.
		d.bury(ctx, fmt.Errorf("no answer to %d deliveries", d.number-1))
		return
	}
	d.answer(ctx, d.try(ctx))
}

// try calls Handle. A fact that cannot be read, or that stands under the subject
// of another, is Invalid.
func (d delivery) try(ctx context.Context) (err error) {
	env, event, err := events.Open(d.msg.Data())
	if err != nil {
		return err
	}
	if want := events.Subject(event); want != d.origin.subject {
		return fault.Invalid.New("the fact belongs under %s, not %s", want, d.origin.subject)
	}
	ctx, cancel := context.WithTimeout(ctx, d.consumer.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("handler panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return d.consumer.Handle(ctx, env, event)
}

// answer tells JetStream what becomes of the delivery. Whatever answer is lost,
// by a crash or with the connection, leads to another delivery.
func (d delivery) answer(ctx context.Context, err error) {
	switch what := answerTo(err); {
	case what == done:
		d.told(ctx, "ack", d.msg.Ack())
	case what == bury || d.number >= uint64(d.consumer.MaxDeliver):
		d.bury(ctx, err)
	default:
		pause := d.consumer.pause(d.number)
		d.log().WarnContext(ctx, "fact not handled yet", slog.Any("error", err), slog.Duration("next_in", pause))
		d.told(ctx, "nak", d.msg.NakWithDelay(pause))
	}
}

// bury makes a dead letter of the fact. Only when that is stored is the delivery
// ended; a crash between the two buries it again, which the stream recognises.
func (d delivery) bury(ctx context.Context, reason error) {
	seq, err := d.deadLetter(ctx, reason)
	if err != nil {
		d.log().ErrorContext(ctx, "fact not buried yet", slog.Any("error", err), slog.Any("reason", reason))
		d.told(ctx, "nak", d.msg.NakWithDelay(d.consumer.pause(d.number)))
		return
	}
	d.log().ErrorContext(ctx, "fact became a dead letter", slog.Uint64("dead_letter", seq), slog.Any("reason", reason))
	d.told(ctx, "term", d.msg.TermWithReason(fmt.Sprintf("dead letter %d", seq)))
}

func (d delivery) told(ctx context.Context, answer string, err error) {
	if err != nil {
		d.log().WarnContext(ctx, "answer not sent", slog.String("answer", answer), slog.Any("error", err))
	}
}

func (d delivery) log() *slog.Logger {
	return d.consumer.Logger.With(slog.String("event_id", d.origin.eventID), slog.String("stream", d.stream),
		slog.Uint64("sequence", d.seq), slog.Uint64("delivery", d.number))
}
