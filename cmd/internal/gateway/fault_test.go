package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// counter is a door whose one endpoint answers as the test wants.
type counter struct {
	*testing.T
	conn   *nats.Conn
	server *server
	log    *strings.Builder
}

func openCounter(t *testing.T, h handler) *counter {
	t.Helper()
	ns, err := natsserver.Start(t.Context(), natsserver.Options{Dir: t.TempDir(), MaxFile: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Stop(context.WithoutCancel(t.Context())) })
	connect := func(options ...nats.Option) *nats.Conn {
		conn, err := nats.Connect(ns.URL(), options...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	log := &strings.Builder{} // one request at a time
	s := &server{
		Door:  Door{Log: slog.New(slog.NewTextHandler(log, nil)), Timeout: 10 * time.Second},
		slots: make(chan struct{}, 1),
	}
	answering := connect()
	s.send = answering.PublishMsg
	service, err := micro.AddService(answering, micro.Config{Name: serviceName, Version: serviceVersion})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context())
	if err := service.AddEndpoint("any", micro.HandlerFunc(func(m micro.Request) { s.begin(ctx, h, m) }),
		micro.WithEndpointSubject("req.v1.cand.*.any.thing")); err != nil {
		t.Fatal(err)
	}
	if err := answering.Flush(); err != nil {
		t.Fatal(err)
	}
	return &counter{T: t, conn: connect(nats.CustomInboxPrefix("_INBOX.c1")), server: s, log: log}
}

// ask asks once and returns the answer and what the log said of it.
func (c *counter) ask() (*nats.Msg, string) {
	c.Helper()
	msg, err := c.conn.Request(request.Subject(person.Candidate, "c1", "any", "thing"), []byte("{}"), 20*time.Second)
	if err != nil {
		c.Fatal(err)
	}
	c.server.working.Wait()
	said := c.log.String()
	c.log.Reset()
	return msg, said
}

func TestARefusalSaysItsKindInHeadersAndBody(t *testing.T) {
	t.Parallel()
	var now error
	c := openCounter(t, func(context.Context, postgres.Actor, micro.Request) (any, error) { return nil, now })
	for _, kind := range fault.Kinds() {
		now = fmt.Errorf("reading x: %w", kind.Because(errors.New("the cause"), "say it\r\nbetter, c1"))
		msg, said := c.ask()
		var f request.Failure
		if err := json.Unmarshal(msg.Data, &f); err != nil {
			t.Errorf("%s: body %q: %v", kind, msg.Data, err)
		}
		if f.Kind != kind || f.Message != "say it\r\nbetter, c1" {
			t.Errorf("%s: the body says %+v", kind, f)
		}
		if code := msg.Header.Get("Nats-Service-Error-Code"); code != string(kind) {
			t.Errorf("%s: the header says %q", kind, code)
		}
		if words := msg.Header.Get("Nats-Service-Error"); !strings.Contains(words, "better, c1") || len(msg.Header) != 2 {
			t.Errorf("%s: headers %v, want the two of a service's error", kind, msg.Header)
		}
		if strings.Contains(string(msg.Data), "the cause") || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: body %q, log %q; want no cause outside and one line in the log", kind, msg.Data, said)
		}
	}
}

func TestWhatIsOursGivesAReferenceAndNoCause(t *testing.T) {
	t.Parallel()
	var now func() (any, error)
	c := openCounter(t, func(context.Context, postgres.Actor, micro.Request) (any, error) { return now() })
	for name, do := range map[string]func() (any, error){
		"an error":                 func() (any, error) { return nil, errors.New("pq: relation kutse.secret is gone") },
		"a panic":                  func() (any, error) { panic("secret") },
		"an index out of range":    func() (any, error) { return []string{}[len(serviceName):], nil },
		"a reply that is no JSON":  func() (any, error) { return map[string]any{"secret": make(chan int)}, nil },
		"a reply that is too long": func() (any, error) { return fileBytes(make([]byte, 2<<20)), nil },
	} {
		now = do
		msg, said := c.ask()
		var f request.Failure
		if err := json.Unmarshal(msg.Data, &f); err != nil || f.Kind != internal || msg.Header.Get("Nats-Service-Error-Code") != "internal" {
			t.Errorf("%s: body %q, headers %v, %v; want internal", name, msg.Data, msg.Header, err)
		}
		_, reference, _ := strings.Cut(f.Message, "reference ")
		if len(reference) != 36 || !strings.Contains(said, reference) || strings.Contains(f.Message, "secret") {
			t.Errorf("%s: message %q, log %q; want a reference that the log has, and no cause", name, f.Message, said)
		}
	}
	now = func() (any, error) { return request.Upload{Upload: "still here"}, nil }
	if msg, _ := c.ask(); !strings.Contains(string(msg.Data), "still here") || len(msg.Header) != 0 {
		t.Errorf("after all that: %q %v, want an answer", msg.Data, msg.Header)
	}
}

func TestARefusalIsShortWhateverItQuotes(t *testing.T) {
	t.Parallel()
	var now error
	c := openCounter(t, func(context.Context, postgres.Actor, micro.Request) (any, error) { return nil, now })
	for name, message := range map[string]string{
		"a long word":     strings.Repeat("õ", 600<<10),
		"words of markup": strings.Repeat("<", 600<<10),
		"no words at all": "",
	} {
		now = fault.Invalid.New("%s", message)
		msg, _ := c.ask()
		f := request.Failure{}
		if err := json.Unmarshal(msg.Data, &f); err != nil || f.Kind != fault.Invalid || f.Message == "" || len(msg.Data) > 8<<10 {
			t.Errorf("%s: %d bytes, %.80q, %v; want a short refusal", name, len(msg.Data), msg.Data, err)
		}
	}
}

func TestAReplyIsNoLongerThanWhatItSays(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("<&>", 300<<10) // six times as much would be too much for NATS
	c := openCounter(t, func(context.Context, postgres.Actor, micro.Request) (any, error) {
		return request.Upload{Upload: words}, nil
	})
	msg, said := c.ask()
	var got request.Upload
	if err := json.Unmarshal(msg.Data, &got); err != nil || got.Upload != words || len(msg.Header) != 0 {
		t.Errorf("%d bytes, %v, headers %v, log %q; want the words back", len(msg.Data), err, msg.Header, said)
	}
}
