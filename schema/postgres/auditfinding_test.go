package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

func (s *story) finding(text string) request.FileAuditFinding {
	return request.FileAuditFinding{Acting: postgrestest.NewID(), Application: s.app, Kind: request.Observation, Text: text}
}

func (s *story) findings(q request.AuditFindingPage) []request.AuditFinding {
	s.t.Helper()
	all := []request.AuditFinding{}
	for {
		page, err := s.AuditFindings(s.ctx, postgrestest.Auditor, q)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, page.Findings...)
		if page.Next == "" {
			return all
		}
		q.After = page.Next
	}
}

func TestAuditFindingsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for n := range 5 {
		s.must(s.FileAuditFinding(s.ctx, postgrestest.Auditor, s.finding(fmt.Sprint("finding ", n))))
	}
	mine := s.app
	s.app = s.open(postgrestest.Other)
	s.must(s.FileAuditFinding(s.ctx, postgrestest.Auditor, s.finding("of another")))
	var texts []string
	for _, f := range s.findings(request.AuditFindingPage{Application: mine, Purpose: reading.Audit, Limit: 2}) {
		texts = append(texts, f.Text)
	}
	if want := []string{"finding 4", "finding 3", "finding 2", "finding 1", "finding 0"}; !slices.Equal(texts, want) {
		t.Errorf("the findings of one case are %v, want %v", texts, want)
	}
	all := s.findings(request.AuditFindingPage{Limit: 4})
	if len(all) != 6 || all[0].Application != s.app || all[0].Text != "" || all[0].By != postgrestest.Auditor.ID {
		t.Errorf("all findings are %+v, want six without their texts", all)
	}
}

func TestAnAuditFindingThatIsRefused(t *testing.T) {
	t.Parallel()
	s := begin(t)
	with := func(change func(*request.FileAuditFinding)) request.FileAuditFinding {
		q := s.finding("words")
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		q    request.FileAuditFinding
		want error
	}{
		"no text":            {with(func(q *request.FileAuditFinding) { q.Text = "" }), fault.Invalid},
		"no kind":            {with(func(q *request.FileAuditFinding) { q.Kind = "crime" }), fault.Invalid},
		"no case":            {with(func(q *request.FileAuditFinding) { q.Application = "" }), fault.Invalid},
		"no such case":       {with(func(q *request.FileAuditFinding) { q.Application = "00000000-0000-0000-0000-000000000000" }), fault.NotFound},
		"words for a record": {with(func(q *request.FileAuditFinding) { q.Object = "Mari Maasikas" }), fault.Invalid},
	} {
		if _, err := s.FileAuditFinding(s.ctx, postgrestest.Auditor, c.q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	q := s.finding("words")
	q.Object = uuid.NewString()
	s.must(s.FileAuditFinding(s.ctx, postgrestest.Auditor, q))
	if _, err := s.AuditFindings(s.ctx, postgrestest.Auditor, request.AuditFindingPage{Application: s.app}); !errors.Is(err, fault.Invalid) {
		t.Errorf("reading without a purpose: %v, want invalid", err)
	}
}
