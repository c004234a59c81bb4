package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// internal is what everything that is no fault is called outside.
const internal fault.Kind = "internal"

// failure says what a refusal looks like to the person. What is no fault is ours:
// they get a reference number, and the log has the rest.
func failure(err error) (f request.Failure, reference string) {
	if kind := fault.Of(err); kind != "" {
		return request.Failure{Kind: kind, Message: cmp.Or(short(fault.Message(err)), string(kind))}, ""
	}
	reference = uuid.NewString()
	return request.Failure{Kind: internal, Message: "something went wrong here; reference " + reference}, reference
}

// maxMessage bounds what a refusal says. It may quote the request, it stands in
// the reply twice, and a reply that is too large is none.
const maxMessage = 2 << 10

func short(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " …"
}

// refuse answers with a fault and leaves one line in the log: without the message,
// which may quote what a person wrote.
func (s *server) refuse(ctx context.Context, msg micro.Request, a postgres.Actor, err error) {
	f, reference := failure(err)
	switch {
	case reference != "":
		s.Log.ErrorContext(ctx, "request failed", "subject", msg.Subject(), "reference", reference, "error", err)
	case f.Kind == fault.Unavailable: // not the person's doing: an operator wants to know what is away
		s.Log.WarnContext(ctx, "request not served", "subject", msg.Subject(), "cause", fault.Cause(err))
	default:
		s.Log.InfoContext(ctx, "request refused", "subject", msg.Subject(), "actor", a.ID, "kind", f.Kind)
	}
	body, encodeErr := encode(f)
	if encodeErr != nil {
		body = nil
	}
	header := nats.Header{micro.ErrorHeader: {f.Message}, micro.ErrorCodeHeader: {string(f.Kind)}}
	if err := s.send(&nats.Msg{Subject: msg.Reply(), Header: header, Data: body}); err != nil {
		s.Log.ErrorContext(ctx, "refusal lost", "subject", msg.Subject(), "error", err)
	}
}

func (s *server) respond(msg micro.Request, reply any) error {
	body, ok := reply.(fileBytes)
	if !ok {
		var err error
		if body, err = encode(reply); err != nil {
			return err
		}
	}
	return s.send(&nats.Msg{Subject: msg.Reply(), Data: body})
}

// encode writes JSON as short as it gets: a reply is no HTML page, where "<" would
// take six bytes.
func encode(reply any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(reply)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
