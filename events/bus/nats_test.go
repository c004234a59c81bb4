package bus_test

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
)

// patience bounds every wait for something that has to happen.
const patience = 60 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// natsTest is a NATS of one test, with the streams.
type natsTest struct {
	*testing.T
	options natsserver.Options
	server  *natsserver.Server
	js      jetstream.JetStream
}

func startNATS(t *testing.T) *natsTest {
	t.Helper()
	n := &natsTest{T: t, options: natsserver.Options{Dir: t.TempDir(), MaxFile: 1 << 30}}
	n.start()
	t.Cleanup(func() { n.stop() })
	u, err := url.Parse(n.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	if n.options.Port, err = strconv.Atoi(u.Port()); err != nil { // a restart is found where it was
		t.Fatal(err)
	}
	n.js = n.connect()
	n.provision()
	return n
}

func (n *natsTest) start() {
	n.Helper()
	s, err := natsserver.Start(context.WithoutCancel(n.Context()), n.options)
	if err != nil {
		n.Fatal(err)
	}
	n.server = s
}

func (n *natsTest) stop() {
	n.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.Context()), patience)
	defer cancel()
	if err := n.server.Stop(ctx); err != nil {
		n.Fatal(err)
	}
}

// connect is a connection of its own, as another process has it.
func (n *natsTest) connect() jetstream.JetStream {
	n.Helper()
	nc, err := nats.Connect(n.server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		n.Fatal(err)
	}
	return js
}

func (n *natsTest) provision() {
	n.Helper()
	if err := bus.Provision(n.Context(), n.js); err != nil {
		n.Fatal(err)
	}
}

// publish publishes the facts of a key, from the first.
func (n *natsTest) publish(key string, count int) {
	n.Helper()
	for place := 1; place <= count; place++ {
		f := fact(key, place, 0)
		n.publishBody(f.EventID, f.Subject, f.Body)
	}
}

func (n *natsTest) publishBody(id, subject string, body []byte) {
	n.Helper()
	if _, err := n.js.Publish(n.Context(), subject, body, jetstream.WithMsgID(id)); err != nil {
		n.Fatal(err)
	}
}

// published is the whole stream, as ids in its order.
func (n *natsTest) published() []string {
	n.Helper()
	s, err := n.js.Stream(n.Context(), events.Stream)
	if err != nil {
		n.Fatal(err)
	}
	var ids []string
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(n.Context(), seq)
		if err != nil {
			n.Fatal(err)
		}
		ids = append(ids, m.Header.Get(jetstream.MsgIDHeader))
	}
	return ids
}

// await returns when something is true that another goroutine brings about and
// nothing announces. It looks again and again, and gives up loudly.
func (n *natsTest) await(what string, isTrue func() bool) {
	n.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-deadline:
			n.Fatalf("waited %s in vain: %s", patience, what)
		}
	}
}

// receive takes one value, or gives up.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %s in vain: %s", patience, what)
		panic("not reached")
	}
}
