// Package gateway is the door: it hears what people ask on their own subjects,
// makes out who asks, and answers with a receipt or a fault. It holds no rule and
// no SQL; what is asked goes to the record as it was decoded.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// Door is what the gateway needs.
type Door struct {
	Record  *postgres.Store
	Blobs   *blob.Store
	Log     *slog.Logger
	Opened  func()        // called once the door is open; may be nil
	AtOnce  int           // requests worked on at once; 0 for 64
	Timeout time.Duration // for one request; 0 for 20 s

	CaseFileKey casefile.Key // signs case files; the zero Key makes none
	Trust       []string     // verifier keys of other installations and their logs whose case files are believed
	heavy       slots
}

// heavyAtOnce is how many case files are made and verified at once.
const heavyAtOnce = 2

// The micro service, as `nats micro ls` shows it.
const (
	serviceName    = "kutse-door"
	serviceVersion = "1.0.0"
)

// Run answers requests on conn until ctx ends, then finishes those it has begun.
// conn is used for replies alone; in a cluster it may publish to _INBOX.> and
// nothing else (reference/nats.md 2.5).
func (d *Door) Run(ctx context.Context, conn *nats.Conn) error {
	d.heavy = make(slots, heavyAtOnce)
	s := &server{Door: *d, handlers: handlers(d), send: conn.PublishMsg}
	if s.AtOnce == 0 {
		s.AtOnce = 64
	}
	if s.Timeout == 0 {
		s.Timeout = 20 * time.Second
	}
	s.slots = make(chan struct{}, s.AtOnce)
	others := conn.NumSubscriptions()
	service, err := micro.AddService(conn, micro.Config{
		Name: serviceName, Version: serviceVersion, Description: "everything that a person can ask of kutse",
		QueueGroup: "kutse-door",
	})
	if err != nil {
		return fmt.Errorf("opening the door: %w", err)
	}
	// Requests outlive ctx: what was begun is finished and answered.
	work := context.WithoutCancel(ctx)
	if err := s.listen(work, service); err != nil {
		return err
	}
	if err := conn.Flush(); err != nil { // heard by the server before anybody is told that the door is open
		return fmt.Errorf("opening the door: %w", err)
	}
	s.Log.InfoContext(ctx, "door opened", "endpoints", len(request.Endpoints()))
	if s.Opened != nil {
		s.Opened()
	}
	<-ctx.Done()
	err = service.Stop()
	// What NATS had handed to this process before it heard of the stop is answered
	// as well: nobody else will.
	drained(conn, others)
	s.close()
	return err
}

// How often and how long a stopping door looks whether its subscriptions are empty.
const (
	drainLook     = 10 * time.Millisecond
	drainPatience = 5 * time.Second
)

// drained waits until conn has no more subscriptions than the others'.
func drained(conn *nats.Conn, others int) {
	deadline := time.After(drainPatience)
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for conn.IsConnected() && conn.NumSubscriptions() > others {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

type server struct {
	Door
	handlers map[string]handler
	slots    chan struct{}

	// send publishes a reply. micro's own way keeps the words of the last refusal
	// for everybody who asks for the service's statistics, and must be done before
	// the handler returns.
	send func(*nats.Msg) error

	mu      sync.Mutex // between beginning a request and closing
	closed  bool
	working sync.WaitGroup
}

// close lets nothing more begin and waits for what has.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.working.Wait()
}

// handler answers one request of one person. A reply that is fileBytes goes out as
// it is, everything else as JSON.
type handler func(ctx context.Context, a postgres.Actor, msg micro.Request) (reply any, err error)

func (s *server) listen(ctx context.Context, service micro.Service) error {
	for _, e := range request.Endpoints() {
		h, ok := s.handlers[e.Name()]
		if !ok {
			return fmt.Errorf("nothing answers %s", e.Name())
		}
		for _, role := range e.Roles {
			err := service.AddEndpoint(e.Name()+"-"+string(role), micro.HandlerFunc(func(msg micro.Request) { s.begin(ctx, h, msg) }),
				micro.WithEndpointSubject(e.Listen(role)),
				micro.WithEndpointMetadata(map[string]string{"summary": e.Summary}))
			if err != nil {
				return fmt.Errorf("listening for %s: %w", e.Name(), err)
			}
		}
	}
	return nil
}

// begin works on a request beside others: NATS hands the messages of one
// subscription over one by one, and a commit takes longer than the next request.
// With all slots taken it waits, and NATS keeps the rest.
func (s *server) begin(ctx context.Context, h handler, msg micro.Request) {
	s.slots <- struct{}{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		<-s.slots
		s.answer(ctx, closing, msg)
		return
	}
	s.working.Go(func() {
		defer func() { <-s.slots }()
		s.answer(ctx, h, msg)
	})
}

// closing answers what comes too late to be begun.
func closing(context.Context, postgres.Actor, micro.Request) (any, error) {
	return nil, fault.Unavailable.New("this door is closing; ask again")
}

func (s *server) answer(ctx context.Context, h handler, msg micro.Request) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	actor, err := s.caller(msg)
	if err != nil {
		// Whoever points the door's answer elsewhere gets none.
		s.Log.WarnContext(ctx, "request dropped", "subject", printable(msg.Subject()), "error", err)
		return
	}
	began := time.Now()
	reply, err := s.handle(ctx, h, actor, msg)
	if err != nil {
		s.refuse(ctx, msg, actor, err)
		return
	}
	if err := s.respond(msg, reply); err != nil {
		// A reply that is too large is our mistake, and must not leave the asker waiting.
		s.refuse(ctx, msg, actor, fmt.Errorf("replying: %w", err))
		return
	}
	s.Log.DebugContext(ctx, "request answered", "subject", msg.Subject(), "took", time.Since(began))
}

// handle keeps one request's panic from ending the process for everybody.
func (s *server) handle(ctx context.Context, h handler, a postgres.Actor, msg micro.Request) (reply any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, a, msg)
}

// caller makes out who asks. It is the guard that every endpoint passes: the
// reply subject must be the asker's own inbox, since a server does not check it
// against the sender's permissions and the door would speak with its own rights
// (reference/nats.md 2.5(1)).
func (s *server) caller(msg micro.Request) (postgres.Actor, error) {
	role, uid, err := request.Caller(msg.Subject())
	if err != nil {
		return postgres.Actor{}, err
	}
	if !strings.HasPrefix(msg.Reply(), request.Inbox(uid)+".") {
		return postgres.Actor{}, fault.Forbidden.New("the reply subject %q is not in the asker's inbox %s", printable(msg.Reply()), request.Inbox(uid))
	}
	return postgres.Actor{ID: uid, Role: role}, nil
}

// printable bounds what a stranger can put into our log.
func printable(s string) string {
	if len(s) > 120 {
		s = s[:120]
	}
	return strings.ToValidUTF8(s, "?")
}
