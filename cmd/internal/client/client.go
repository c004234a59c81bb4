// Package client asks at the door: the command line, the demo, the bench and the
// tests all go through it. It holds no rights of its own; who asks is in the
// subject.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Client asks as one person.
type Client struct {
	conn *nats.Conn
	uid  person.ID
}

// askTimeout is how long one try waits for the door, where ctx does not say less.
const askTimeout = 30 * time.Second

// tryTimeout is how long a try waits that is followed by another.
const tryTimeout = 5 * time.Second

// Dial connects as one person. The inbox is the person's own: the door answers
// nowhere else.
func Dial(url string, uid person.ID, options ...nats.Option) (*Client, error) {
	if _, err := person.ParseID(string(uid)); err != nil {
		return nil, err
	}
	conn, err := nats.Connect(url, append([]nats.Option{
		nats.Name("kutse " + string(uid)), nats.CustomInboxPrefix(request.Inbox(uid)),
		nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(),
	}, options...)...)
	if err != nil {
		return nil, fault.Unavailable.Because(err, "NATS does not answer at %s: %v", url, err)
	}
	return &Client{conn: conn, uid: uid}, nil
}

// Close lets go of the connection.
func (c *Client) Close() { c.conn.Close() }

// Conn is the connection, for tests that ask what the client would not.
func (c *Client) Conn() *nats.Conn { return c.conn }

// UID is who asks.
func (c *Client) UID() person.ID { return c.uid }

// NewID makes the id of a new act. Keep it until there is a receipt: sending the
// same act again with the same id is safe.
func NewID() request.Acting { return request.Acting{ID: uuid.NewString()} }

// Ask asks one thing and reads the answer into reply. A refusal is a fault of the
// kind that the door named. Nothing is sent again.
func (c *Client) Ask(ctx context.Context, role person.Role, resource, verb string, q, reply any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("writing %s.%s: %w", resource, verb, err)
	}
	raw, err := c.Raw(ctx, &nats.Msg{Subject: request.Subject(role, c.uid, resource, verb), Data: body})
	if err != nil || reply == nil {
		return err
	}
	if err := json.Unmarshal(raw, reply); err != nil {
		return fmt.Errorf("reading the answer to %s.%s: %w", resource, verb, err)
	}
	return nil
}

// Act asks for an act and sends it again, with the same id, while the door cannot
// be reached, until ctx ends. The door makes that harmless: the same id is the
// same receipt.
func (c *Client) Act(ctx context.Context, role person.Role, resource, verb string, q request.Act) (request.Receipt, error) {
	var receipt request.Receipt
	err := c.Read(ctx, role, resource, verb, q, &receipt)
	return receipt, err
}

// Read asks as Ask does, and again while the door cannot be reached, until ctx ends.
func (c *Client) Read(ctx context.Context, role person.Role, resource, verb string, q, reply any) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := c.try(ctx, role, resource, verb, q, reply)
		if !errors.Is(err, fault.Unavailable) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// try asks once, and not for long: an answer that was lost with a connection never
// comes, and asking again is harmless even while the first is worked on.
func (c *Client) try(ctx context.Context, role person.Role, resource, verb string, q, reply any) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	return c.Ask(ctx, role, resource, verb, q, reply)
}

// Raw sends one message and returns the bytes of the answer, or the fault in it.
func (c *Client) Raw(ctx context.Context, msg *nats.Msg) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := c.conn.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return nil, c.explain(err, msg)
	}
	if kind := answer.Header.Get("Nats-Service-Error-Code"); kind != "" {
		return nil, refusal(kind, answer)
	}
	return answer.Data, nil
}

func (c *Client) explain(err error, msg *nats.Msg) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.Invalid.Because(err, "a request carries up to %d bytes, this has %d; send what is large as a file", c.conn.MaxPayload(), len(msg.Data))
	case errors.Is(err, nats.ErrNoResponders):
		return fault.Unavailable.Because(err, "nobody answers at the door; is `kutse serve` running?")
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected),
		errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable.Because(err, "the door did not answer in time")
	default:
		return err
	}
}

// refusal turns a reply that refuses back into its fault.
func refusal(kind string, answer *nats.Msg) error {
	var f request.Failure
	if err := json.Unmarshal(answer.Data, &f); err != nil {
		f.Message = answer.Header.Get("Nats-Service-Error")
	}
	for _, known := range fault.Kinds() {
		if string(known) == kind {
			return known.New("%s", f.Message)
		}
	}
	return errors.New(f.Message)
}
