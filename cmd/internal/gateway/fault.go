package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"
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
	if reference != "" {
		s.Log.ErrorContext(ctx, "request failed", "subject", msg.Subject(), "reference", reference, "error", err)
	} else {
		s.Log.InfoContext(ctx, "request refused", "subject", msg.Subject(), "actor", a.ID, "kind", f.Kind)
	}
	body, marshalErr := json.Marshal(f)
	if marshalErr != nil {
		body = nil
	}
	if err := msg.Error(string(f.Kind), f.Message, body); err != nil {
		s.Log.ErrorContext(ctx, "refusal lost", "subject", msg.Subject(), "error", err)
	}
}

func respond(msg micro.Request, reply any) error {
	switch reply := reply.(type) {
	case fileBytes:
		return msg.Respond(reply)
	default:
		return msg.RespondJSON(reply)
	}
}
