package postgres_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

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

func TestAnActNamesTheApplicationItIsOn(t *testing.T) {
	t.Parallel()
	s := begin(t)
	before := s.stats()
	for name, act := range map[string]func() error{
		"submit": func() error {
			req := s.text("text", "B.2.8/1")
			req.Application = ""
			_, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, req)
			return err
		},
		"hand in": func() error {
			_, err := s.HandIn(s.ctx, postgrestest.Candidate, request.HandIn{Acting: postgrestest.NewID(), Competences: []string{"B.2.8"}})
			return err
		},
		"withdraw": func() error {
			_, err := s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID()})
			return err
		},
		"decide": func() error {
			req := s.decision("", "award")
			req.Application = ""
			_, err := s.Decide(s.ctx, postgrestest.Member, req)
			return err
		},
		"judge": func() error {
			_, err := s.GiveVerdicts(s.ctx, postgrestest.Assessor, request.GiveVerdicts{Acting: postgrestest.NewID()})
			return err
		},
		"release": func() error {
			_, err := s.ReleaseTask(s.ctx, postgrestest.Assessor, request.ReleaseTask{Acting: postgrestest.NewID()})
			return err
		},
	} {
		if err := act(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s without a name: %v, want invalid", name, err)
		}
	}
	if after := s.stats(); !reflect.DeepEqual(after, before) {
		t.Errorf("the record holds %+v, before %+v", after, before)
	}
}
