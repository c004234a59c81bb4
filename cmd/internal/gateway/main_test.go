package gateway_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds every wait for something that has to happen.
const patience = 30 * time.Second

const itManager = "it-manager-7"

// door is an open door with a record and a NATS of its own.
type door struct {
	*testing.T
	record *postgrestest.Record
	nats   *natsserver.Server
	log    *lines
	blobs  string
	stop   func() error // closes the door and waits; once
}

// limits are small, so that a test reaches them.
var limits = blob.Limits{FileBytes: 2 << 20, ChunkBytes: 64 << 10, UploadsPerPerson: 3}

func openDoor(t *testing.T, change ...func(*gateway.Door)) *door {
	t.Helper()
	return openDoorOn(t, postgrestest.New(t), limits, change...)
}

func openDoorOn(t *testing.T, record *postgrestest.Record, limits blob.Limits, change ...func(*gateway.Door)) *door {
	t.Helper()
	d := &door{T: t, record: record, log: &lines{}, blobs: t.TempDir()}
	var err error
	if d.nats, err = natsserver.Start(t.Context(), natsserver.Options{Dir: t.TempDir(), MaxFile: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.nats.Stop(context.WithoutCancel(t.Context())) })
	blobs, err := blob.Open(d.blobs, d.record.Sealer(), limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	opened := make(chan struct{})
	g := &gateway.Door{Record: d.record.Store, Blobs: blobs, Log: slog.New(d.log), Opened: func() { close(opened) }}
	for _, c := range change {
		c(g)
	}
	conn := d.connect()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx, conn) }()
	d.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("closing the door: %v", err)
		}
	})
	select {
	case <-opened:
	case err := <-ended:
		ended <- err
		t.Fatalf("the door did not open: %v", err)
	}
	return d
}

// connect is a bare connection, as of one who does not use the client.
func (d *door) connect() *nats.Conn {
	d.Helper()
	conn, err := nats.Connect(d.nats.URL())
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(conn.Close)
	return conn
}

func (d *door) as(a postgres.Actor) *client.Client {
	d.Helper()
	c, err := client.Dial(d.nats.URL(), a.ID)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(c.Close)
	return c
}

func (d *door) act(a postgres.Actor, resource, verb string, q request.Act) (request.Receipt, error) {
	d.Helper()
	return d.as(a).Act(d.Context(), a.Role, resource, verb, q)
}

func (d *door) must(a postgres.Actor, resource, verb string, q request.Act) request.Receipt {
	d.Helper()
	r, err := d.act(a, resource, verb, q)
	if err != nil {
		d.Fatalf("%s.%s as %s: %v", resource, verb, a.ID, err)
	}
	return r
}

func (d *door) open(a postgres.Actor) request.Receipt {
	d.Helper()
	return d.must(a, "application", "open", request.OpenApplication{Acting: client.NewID(), Standard: itManager})
}

// raw sends bytes and returns the bytes of the answer and its headers.
func (d *door) raw(a postgres.Actor, resource, verb string, body []byte) *nats.Msg {
	d.Helper()
	conn := d.as(a).Conn()
	msg, err := conn.Request(request.Subject(a.Role, a.ID, resource, verb), body, patience)
	if err != nil {
		d.Fatalf("%s.%s as %s: %v", resource, verb, a.ID, err)
	}
	return msg
}

func (d *door) stats() request.Stats {
	d.Helper()
	stats, err := d.record.Stats(context.WithoutCancel(d.Context()), postgrestest.Auditor)
	if err != nil {
		d.Fatal(err)
	}
	return stats
}

// unchanged runs do and holds that the record counts the same after it.
func (d *door) unchanged(what string, do func()) {
	d.Helper()
	before := d.stats()
	do()
	if after := d.stats(); !reflect.DeepEqual(before, after) {
		d.Errorf("%s: the record holds %+v, before %+v", what, after, before)
	}
}

func text(app request.Receipt, words string, ids ...catalogue.IndicatorID) request.SubmitEvidence {
	if len(ids) == 0 {
		ids = []catalogue.IndicatorID{{Competence: "B.2.8", Ordinal: 1}}
	}
	return request.SubmitEvidence{Acting: client.NewID(), Application: app.Application, Kind: evidence.Text, Text: words, Indicators: ids}
}

func failureOf(t *testing.T, msg *nats.Msg) request.Failure {
	t.Helper()
	var f request.Failure
	if err := json.Unmarshal(msg.Data, &f); err != nil {
		t.Errorf("the body of a refusal is %.200q: %v", msg.Data, err)
	}
	return f
}

// lines is a log that a test can read.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool { b.WriteString(" " + a.String()); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b.String())
	return nil
}

// with returns the lines that contain words.
func (l *lines) with(words string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.text {
		if strings.Contains(line, words) {
			found = append(found, line)
		}
	}
	return found
}
