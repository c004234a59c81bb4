package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// relay runs a relay beside the door and returns the streams.
func (d *door) relay() jetstream.JetStream {
	d.Helper()
	js, err := jetstream.New(d.connect())
	if err != nil {
		d.Fatal(err)
	}
	if err := bus.Provision(d.Context(), js); err != nil {
		d.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.Context())
	ended := make(chan error, 1)
	relay := &bus.Relay{Outbox: d.record, JetStream: js, Logger: slog.New(d.log)}
	go func() { ended <- relay.Run(ctx) }()
	d.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			d.Errorf("relay: %v", err)
		}
	})
	return js
}

func TestTwoHundredSubmissionsSentTwiceAreTwoHundredFacts(t *testing.T) {
	t.Parallel()
	const submissions, connections = 200, 4
	d := openDoor(t)
	js := d.relay()
	app := d.open(postgrestest.Candidate)
	requests := make([]request.SubmitEvidence, submissions)
	for n := range requests {
		requests[n] = text(app, fmt.Sprintf("submission %d", n))
	}
	before := d.stats()
	// Each request goes over two of the four connections, at once: what n sends
	// first, n+2 sends as well.
	receipts := make([][]request.Receipt, connections)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for n := range connections {
		c := d.as(postgrestest.Candidate)
		receipts[n] = make([]request.Receipt, submissions)
		half := n % 2
		for worker := range 8 {
			wg.Go(func() {
				<-start
				for i := worker; i < submissions; i += 8 {
					if i%2 != half {
						continue
					}
					r, err := c.Act(t.Context(), person.Candidate, "evidence", "submit", requests[i])
					if err != nil {
						t.Errorf("submission %d over connection %d: %v", i, n, err)
					}
					receipts[n][i] = r
				}
			})
		}
	}
	close(start)
	wg.Wait()
	seen := map[string]bool{}
	for i := range submissions {
		first, second := receipts[i%2][i], receipts[i%2+2][i]
		if !reflect.DeepEqual(first, second) || first.Record == "" || first.Request != requests[i].ID {
			t.Errorf("submission %d: receipts %+v and %+v, want the same", i, first, second)
		}
		seen[first.Record] = true
	}
	after := d.stats()
	if got := after.Submissions - before.Submissions; got != submissions || len(seen) != submissions {
		t.Errorf("%d submissions are in the record, the receipts name %d; want %d", got, len(seen), submissions)
	}
	if got := after.AuditRows - before.AuditRows; got != submissions {
		t.Errorf("%d audit rows, want %d", got, submissions)
	}
	await(t, "the outbox to be empty", func() bool { return d.stats().Unpublished == 0 })
	stream, err := js.Stream(t.Context(), events.Stream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(events.Filter(events.EvidenceSubmitted{})))
	if err != nil {
		t.Fatal(err)
	}
	submitted := 0
	for _, n := range info.State.Subjects {
		submitted += int(n)
	}
	ids, err := bus.PublishedIDs(t.Context(), js, events.Filter(events.EvidenceSubmitted{}))
	if err != nil || submitted != submissions || len(ids) != submissions {
		t.Errorf("JetStream has %d submissions under %d ids (%v), want %d", submitted, len(ids), err, submissions)
	}
}

// A retry that arrives when the act itself would be refused is answered with the
// receipt all the same.
func TestTheSameRequestLongAfterIsTheSameReceipt(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	app := d.open(postgrestest.Candidate)
	q := text(app, "once")
	first := d.must(postgrestest.Candidate, "evidence", "submit", q)
	d.must(postgrestest.Candidate, "application", "withdraw", request.WithdrawApplication{Acting: client.NewID(), Application: app.Application})
	again := d.must(postgrestest.Candidate, "evidence", "submit", q)
	if !reflect.DeepEqual(first, again) {
		t.Errorf("after the application was closed: %+v, want the receipt of before: %+v", again, first)
	}
}
