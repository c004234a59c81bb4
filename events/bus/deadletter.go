package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/fault"
)

// DeadLetter is a fact that a consumer could not handle. It stays in the stream
// of facts as well; this is the consumer's debt.
type DeadLetter struct {
	Sequence   uint64 // names it
	At         time.Time
	Consumer   string
	EventID    string
	Subject    string // of the fact
	Fact       uint64 // sequence of the fact in the stream of facts
	Kind       fault.Kind
	Reason     string
	Deliveries uint64
	Body       []byte
}

// The headers of dead letters, and of replays as far as they say where the fact
// came from.
const (
	headerConsumer   = "Kutse-Consumer"
	headerEventID    = "Kutse-Event-Id"
	headerSubject    = "Kutse-Subject"
	headerFact       = "Kutse-Sequence"
	headerKind       = "Kutse-Fault"
	headerReason     = "Kutse-Reason"
	headerDeliveries = "Kutse-Deliveries"
)

// maxReason bounds the reason in a header.
const maxReason = 500

func deadSubject(stream, consumer string) string   { return "dlq.v1." + stream + "." + consumer }
func replaySubject(stream, consumer string) string { return "replay.v1." + stream + "." + consumer }

// origin is where a fact stands in the stream of facts. A replayed one carries
// it in its headers.
type origin struct {
	subject string
	seq     uint64
	eventID string
}

func originOf(m jetstream.Msg, meta *jetstream.MsgMetadata) origin {
	if meta.Stream == events.Stream {
		return origin{subject: m.Subject(), seq: meta.Sequence.Stream, eventID: m.Headers().Get(jetstream.MsgIDHeader)}
	}
	h := m.Headers()
	return origin{subject: h.Get(headerSubject), seq: number(h.Get(headerFact)), eventID: h.Get(headerEventID)}
}

// header writes the origin for a message to or about a consumer.
func (o origin) header(consumer string) nats.Header {
	h := nats.Header{}
	h.Set("Content-Type", contentType)
	h.Set(headerConsumer, consumer)
	h.Set(headerEventID, o.eventID)
	h.Set(headerSubject, o.subject)
	h.Set(headerFact, strconv.FormatUint(o.seq, 10))
	return h
}

// deadLetter stores the dead letter of a delivery. It is known by the message
// that was delivered, so storing it twice makes one.
func (d delivery) deadLetter(ctx context.Context, reason error) (uint64, error) {
	msg := nats.NewMsg(deadSubject(events.Stream, d.consumer.Name))
	msg.Header = d.origin.header(d.consumer.Name)
	msg.Header.Set(headerKind, string(fault.Of(reason)))
	msg.Header.Set(headerReason, oneLine(reason.Error()))
	msg.Header.Set(headerDeliveries, strconv.FormatUint(d.number, 10))
	msg.Data = d.msg.Data()
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	ack, err := d.js.PublishMsg(ctx, msg, jetstream.WithExpectStream(DeadLetters),
		jetstream.WithMsgID(fmt.Sprintf("%s.%s.%d", d.consumer.Name, d.stream, d.seq)))
	if err != nil {
		return 0, fmt.Errorf("storing a dead letter: %w", err)
	}
	return ack.Sequence, nil
}

// oneLine makes a reason fit for a header.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = s[:maxReason]
	}
	return strings.ToValidUTF8(s, "")
}

// ListDeadLetters returns up to limit dead letters, oldest first.
func ListDeadLetters(ctx context.Context, js jetstream.JetStream, limit int) ([]DeadLetter, error) {
	var letters []DeadLetter
	if limit <= 0 {
		return nil, nil
	}
	err := scan(ctx, js, DeadLetters, jetstream.OrderedConsumerConfig{},
		func(m jetstream.Msg, meta *jetstream.MsgMetadata) bool {
			letters = append(letters, readDeadLetter(m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp))
			return len(letters) < limit
		})
	return letters, err
}

func readDeadLetter(h nats.Header, body []byte, seq uint64, at time.Time) DeadLetter {
	return DeadLetter{
		Sequence: seq, At: at.UTC(), Consumer: h.Get(headerConsumer), EventID: h.Get(headerEventID),
		Subject: h.Get(headerSubject), Fact: number(h.Get(headerFact)), Kind: fault.Kind(h.Get(headerKind)),
		Reason: h.Get(headerReason), Deliveries: number(h.Get(headerDeliveries)), Body: body,
	}
}

// number reads a header of our own; 0 when there is none.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// ReplayDeadLetter hands a dead letter to its consumer again, and to nobody
// else: over a stream of replays that each consumer reads beside the facts. It
// may be handed over twice, as any fact may. When it fails again, it becomes a
// new dead letter.
func ReplayDeadLetter(ctx context.Context, js jetstream.JetStream, seq uint64) error {
	s, err := js.Stream(ctx, DeadLetters)
	if err != nil {
		return fmt.Errorf("reading stream %s: %w", DeadLetters, err)
	}
	raw, err := s.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return fault.NotFound.New("there is no dead letter %d; it may have been replayed", seq)
	}
	if err != nil {
		return fmt.Errorf("reading dead letter %d: %w", seq, err)
	}
	letter := readDeadLetter(raw.Header, raw.Data, seq, raw.Time)
	if err := replay(ctx, js, letter); err != nil {
		return err
	}
	// The replay is stored: from here it reaches the consumer without the letter. A
	// crash before this line leaves the letter, and replaying it again is harmless.
	if err := s.SecureDeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("removing dead letter %d: %w", seq, err)
	}
	return nil
}

func replay(ctx context.Context, js jetstream.JetStream, l DeadLetter) error {
	_, err := js.Consumer(ctx, Replays, l.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fault.NotFound.New("no consumer %s has run here, so nobody would be handed dead letter %d", l.Consumer, l.Sequence)
	}
	if err != nil {
		return fmt.Errorf("consumer %s: %w", l.Consumer, err)
	}
	msg := nats.NewMsg(replaySubject(events.Stream, l.Consumer))
	msg.Header = origin{subject: l.Subject, seq: l.Fact, eventID: l.EventID}.header(l.Consumer)
	msg.Data = l.Body
	_, err = js.PublishMsg(ctx, msg, jetstream.WithExpectStream(Replays),
		jetstream.WithMsgID(fmt.Sprintf("%s.%d", DeadLetters, l.Sequence)))
	if err != nil {
		return fmt.Errorf("replaying dead letter %d: %w", l.Sequence, err)
	}
	return nil
}
