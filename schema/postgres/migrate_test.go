package postgres_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestAMonthWithoutAPartitionFailsLoudlyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	before := s.stats()
	s.Clock.Set(time.Date(2035, 6, 15, 12, 0, 0, 0, time.UTC))
	_, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("too late", "B.2.8/1"))
	if err == nil || fault.Of(err) != "" || !strings.Contains(err.Error(), "no partition") {
		t.Errorf("in a month without a partition: %v, want an internal error that says so", err)
	}
	if after := s.stats(); !reflect.DeepEqual(after, before) {
		t.Errorf("the record holds %+v, before %+v", after, before)
	}
	if err := s.EnsureAuditPartitions(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("in time", "B.2.8/1")))
}

func TestANewPartitionIsAppendOnlyToo(t *testing.T) {
	t.Parallel()
	s := begin(t)
	db := connect(t, s.DB.Superuser)
	at := time.Date(2031, 11, 30, 23, 59, 59, 0, time.UTC)
	s.Clock.Set(at)
	for range 2 { // harmless twice
		if err := s.EnsureAuditPartitions(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"audit_203111", "audit_203112", "audit_203201"} {
		var triggers []string
		if err := db.Select(&triggers, `SELECT tgname || ' ' || tgenabled::text FROM pg_trigger
 WHERE tgrelid = ('kutse.' || $1)::regclass AND NOT tgisinternal ORDER BY 1`, part); err != nil {
			t.Fatal(err)
		}
		if want := []string{"no_change A", "no_truncate A"}; !reflect.DeepEqual(triggers, want) {
			t.Errorf("%s has the triggers %v, want %v", part, triggers, want)
		}
	}
	s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("on the last second of the month", "B.2.8/1")))
	var rows int
	if err := db.Get(&rows, `SELECT count(*) FROM audit_203111`); err != nil || rows != 1 {
		t.Errorf("the month's partition holds %d rows (%v), want 1", rows, err)
	}
	for _, url := range []string{s.DB.Service, s.DB.Owner, s.DB.Superuser} {
		for _, text := range []string{"DELETE FROM audit_203111", "TRUNCATE audit_203111", "UPDATE audit_203111 SET actor = 'x'"} {
			refused(t, connect(t, url), url, text)
		}
	}
}

// What a reply of NATS can carry is 1 MB of JSON, in which "<" takes six bytes.
func TestAPageOfEvidenceFitsIntoAReply(t *testing.T) {
	t.Parallel()
	s := begin(t)
	const items = 12
	for range items {
		s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text(strings.Repeat("<", 64<<10), "B.2.8/1")))
	}
	seen, after := 0, 0
	for {
		page, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app, After: after})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > 1<<20 || len(page.Items) == 0 {
			t.Errorf("a page after %d has %d items in %d bytes, want some in up to 1 MB", after, len(page.Items), len(body))
		}
		seen += len(page.Items)
		if after = page.Next; after == 0 {
			break
		}
	}
	if seen != items {
		t.Errorf("the pages hold %d items, want %d", seen, items)
	}
}

func TestWhatPostgreSQLCannotHoldIsThePersonsToMend(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for name, ask := range map[string]func() error{
		"a NUL character in a key": func() error {
			_, err := s.Standard(s.ctx, postgrestest.Candidate, "it\x00manager")
			return err
		},
		"a NUL character in a register number": func() error {
			_, err := s.Entry(s.ctx, postgrestest.Auditor, request.OfEntry{Number: "1-\x00"})
			return err
		},
		"a NUL character in an application": func() error {
			_, err := s.OpenApplication(s.ctx, postgrestest.Other, request.OpenApplication{Acting: postgrestest.NewID(), Standard: "\x00"})
			return err
		},
		"a place beyond all numbers": func() error {
			_, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app, After: 1 << 40})
			return err
		},
		"evidence of no kind": func() error {
			req := s.text("text", "B.2.8/1")
			req.Kind = evidence.Kind("\x00")
			_, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, req)
			return err
		},
	} {
		if err := ask(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}
