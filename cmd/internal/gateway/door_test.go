package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// The door would answer, with its own rights, wherever the reply subject points.
func TestNobodyPointsTheDoorsAnswerElsewhere(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	app := d.open(postgrestest.Candidate)
	listener := d.connect()
	everything, err := listener.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	evil := d.connect()
	subject := request.Subject("cand", "c1", "evidence", "submit")
	replies := []string{
		"_INBOX.c2.x", "_INBOX.c1evil.x", "_INBOX.c1", "_INBOX", "_INBOX.x", "x", "", "_inbox.c1.x",
		"evt.v1.cand." + "c2." + string(app.Application) + ".award.decided", "evt.v1.cand.c1.x.y",
		"req.v1.cand.c2.application.withdraw", "req.v1.adm.op.person.add", "$JS.API.STREAM.PURGE.EVENTS", "$SRV.PING", "dlq.v1.x",
	}
	before := d.stats()
	for _, reply := range replies {
		body, err := json.Marshal(text(app, "forged by way of "+reply))
		if err != nil {
			t.Fatal(err)
		}
		if err := evil.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: body}); err != nil {
			t.Errorf("sending with reply to %q: %v", reply, err)
		}
	}
	if err := evil.Flush(); err != nil {
		t.Fatal(err)
	}
	// An honest request on the same subject comes after all of them, and the stop
	// of the door waits for whatever it has begun.
	d.must(postgrestest.Candidate, "evidence", "submit", text(app, "honest"))
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	after := d.stats()
	if after.Submissions != before.Submissions+1 || after.AuditRows != before.AuditRows+1 || after.Events != before.Events+1 {
		t.Errorf("the record holds %+v, before %+v; want the honest one more and no other", after, before)
	}
	if dropped := d.log.with("request dropped"); len(dropped) != len(replies) {
		t.Errorf("the log has %d lines, want one for each of %d:\n%s", len(dropped), len(replies), strings.Join(dropped, "\n"))
	}
	for {
		msg, err := everything.NextMsg(time.Millisecond)
		if err != nil {
			break
		}
		if msg.Subject != subject && !strings.HasPrefix(msg.Subject, "_INBOX.c1.") && !strings.HasPrefix(msg.Subject, "$SRV") {
			t.Errorf("something was sent to %s: %.200s", msg.Subject, msg.Data)
		}
	}
}

func TestAnIdThatIsNoneIsDropped(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	conn := d.connect()
	d.unchanged("ids that are none", func() {
		for _, uid := range []string{"c1$", "~kutse", "õ", strings.Repeat("x", 65), "c1%20"} {
			inbox := "_INBOX." + uid + ".x"
			sub, err := conn.SubscribeSync(inbox)
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.PublishMsg(&nats.Msg{Subject: "req.v1.cand." + uid + ".application.list", Reply: inbox, Data: []byte("{}")}); err != nil {
				t.Fatal(err)
			}
			d.raw(postgrestest.Candidate, "application", "list", nil)
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			if msg, err := sub.NextMsg(time.Millisecond); err == nil {
				t.Errorf("%q was answered: %s", uid, msg.Data)
			}
		}
	})
}

func TestWhatIsRefusedIsNotInTheRecord(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	mine, other := d.open(postgrestest.Candidate), d.open(postgrestest.Other)
	closed := d.open(postgrestest.Judged)
	d.must(postgrestest.Judged, "application", "withdraw", request.WithdrawApplication{Acting: client.NewID(), Application: closed.Application})
	good, err := json.Marshal(text(mine, "words"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*request.SubmitEvidence)) []byte {
		q := text(mine, "words")
		change(&q)
		body, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for name, c := range map[string]struct {
		body []byte
		kind fault.Kind
	}{
		"an empty body":            {nil, fault.Invalid},
		"no JSON":                  {[]byte("evidence"), fault.Invalid},
		"invalid UTF-8":            {bytes.Replace(good, []byte("words"), []byte("w\xffrds"), 1), fault.Invalid},
		"an unknown word":          {bytes.Replace(good, []byte(`"kind"`), []byte(`"kinds":"x","kind"`), 1), fault.Invalid},
		"a very long unknown word": {bytes.Replace(good, []byte(`"kind"`), []byte(`"`+strings.Repeat("k", 600<<10)+`":"x","kind"`), 1), fault.Invalid},
		"two JSON values":          {append(bytes.Clone(good), good...), fault.Invalid},
		"a text of 500 KB":         {with(func(q *request.SubmitEvidence) { q.Text = strings.Repeat("x", 500_000) }), fault.Invalid},
		"no text":                  {with(func(q *request.SubmitEvidence) { q.Text = "" }), fault.Invalid},
		"no id":                    {with(func(q *request.SubmitEvidence) { q.ID = "" }), fault.Invalid},
		"an id that is no UUID":    {with(func(q *request.SubmitEvidence) { q.ID = "1; DROP TABLE receipt" }), fault.Invalid},
		"no indicator":             {with(func(q *request.SubmitEvidence) { q.Indicators = nil }), fault.Invalid},
		"an unknown indicator":     {with(func(q *request.SubmitEvidence) { q.Indicators[0].Ordinal = 99 }), fault.Invalid},
		"an unknown competence": {with(func(q *request.SubmitEvidence) {
			q.Indicators[0] = catalogue.IndicatorID{Competence: "Z.9", Ordinal: 1}
		}), fault.Invalid},
		"a file never uploaded":     {with(func(q *request.SubmitEvidence) { q.Kind, q.Text, q.File = "file", "", digest("never") }), fault.NotFound},
		"no application":            {with(func(q *request.SubmitEvidence) { q.Application = "" }), fault.Invalid},
		"an application of no form": {with(func(q *request.SubmitEvidence) { q.Application = "x" }), fault.Invalid},
		"an unknown application":    {with(func(q *request.SubmitEvidence) { q.Application = someID }), fault.NotFound},
		"another's application":     {with(func(q *request.SubmitEvidence) { q.Application = other.Application }), fault.NotFound},
	} {
		d.unchanged(name, func() {
			f := failureOf(t, d.raw(postgrestest.Candidate, "evidence", "submit", c.body))
			if f.Kind != c.kind || f.Message == "" || len(f.Message) > 4<<10 {
				t.Errorf("%s: %s %.300q, want %s", name, f.Kind, f.Message, c.kind)
			}
		})
	}
	d.unchanged("a closed application", func() {
		if _, err := d.act(postgrestest.Judged, "evidence", "submit", text(closed, "words")); !errors.Is(err, fault.Conflict) {
			t.Errorf("a closed application: %v, want a conflict", err)
		}
	})
	d.unchanged("a text of 10 MB", func() {
		if _, err := d.act(postgrestest.Candidate, "evidence", "submit", text(mine, strings.Repeat("x", 10<<20))); !errors.Is(err, fault.Invalid) {
			t.Errorf("a text of 10 MB: %v, want invalid, from the client", err)
		}
	})
	d.must(postgrestest.Candidate, "evidence", "submit", text(mine, "and still it works"))
}

func TestTheSameIdWithOtherContentIsAConflict(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	app := d.open(postgrestest.Candidate)
	q := text(app, "first")
	d.must(postgrestest.Candidate, "evidence", "submit", q)
	q.Text = "second"
	d.unchanged("the same id", func() {
		if _, err := d.act(postgrestest.Candidate, "evidence", "submit", q); !errors.Is(err, fault.Conflict) {
			t.Errorf("the same id with other content: %v, want a conflict", err)
		}
	})
}

// A request that the door has begun, and one that waits for its turn, are
// answered although the process stops.
func TestAStoppingDoorAnswersWhatItWasAsked(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(g *gateway.Door) { g.AtOnce = 2 })
	app := d.open(postgrestest.Candidate)
	// Whoever holds the application's row keeps its acts waiting.
	db, err := postgresConnect(t, d.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`SELECT 1 FROM application WHERE id = $1 FOR UPDATE`, app.Application); err != nil {
		t.Fatal(err)
	}
	const asked = 5
	var answered sync.WaitGroup
	for n := range asked {
		c := d.as(postgrestest.Candidate)
		answered.Go(func() {
			if err := c.Ask(t.Context(), "cand", "evidence", "submit", text(app, fmt.Sprint("number ", n)), nil); err != nil && !errors.Is(err, fault.Unavailable) {
				t.Errorf("asked before the stop: %v", err)
			}
		})
	}
	await(t, "two acts to wait for the row", func() bool {
		var waiting int
		err := db.Get(&waiting, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		return err == nil && waiting == 2
	})
	stopped := make(chan error, 1)
	go func() { stopped <- d.stop() }()
	await(t, "the door to hear no more", func() bool {
		// One that is still heard waits for its turn behind the others; it is not waited for.
		_, err := d.connect().Request(request.Subject("cand", "c1", "application", "list"), nil, 100*time.Millisecond)
		return errors.Is(err, nats.ErrNoResponders)
	})
	select {
	case err := <-stopped:
		t.Fatalf("the door stopped (%v) with requests unanswered", err)
	default:
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	answered.Wait()
	if got := d.stats().Submissions; got != asked {
		t.Errorf("%d of %d requests that had come were recorded", got, asked)
	}
}

func await(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}
