package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// story plays one application against the record, doing the workflow's part by
// hand, so that a test can stop anywhere in it.
type story struct {
	t   *testing.T
	ctx context.Context
	*postgrestest.Record
	std *catalogue.Standard
	app application.ID
}

const itManager = "it-manager-7"

func begin(t *testing.T) *story {
	t.Helper()
	std, err := catalogue.ByKey(itManager)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, ctx: t.Context(), Record: postgrestest.New(t), std: std}
	s.app = s.open(postgrestest.Candidate)
	return s
}

func (s *story) must(r request.Receipt, err error) request.Receipt {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *story) open(a postgres.Actor) application.ID {
	s.t.Helper()
	r := s.must(s.OpenApplication(s.ctx, a, request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager}))
	return application.ID(r.Record)
}

func (s *story) submit(ids ...string) {
	s.t.Helper()
	s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("I did this: "+fmt.Sprint(ids), ids...)))
}

func (s *story) text(text string, ids ...string) request.SubmitEvidence {
	s.t.Helper()
	req := request.SubmitEvidence{Acting: postgrestest.NewID(), Application: s.app, Kind: evidence.Text, Text: text}
	for _, id := range ids {
		parsed, err := catalogue.ParseIndicatorID(id)
		if err != nil {
			s.t.Fatal(err)
		}
		req.Indicators = append(req.Indicators, parsed)
	}
	return req
}

// support submits evidence for every indicator of a competence.
func (s *story) support(code string) {
	s.t.Helper()
	c, _, _ := s.std.Competence(code)
	for _, id := range c.Assessable() {
		s.submit(id.String())
	}
}

// handIn hands a competence in and opens its task, as the workflow would.
func (s *story) handIn(code string) {
	s.t.Helper()
	r := s.must(s.HandIn(s.ctx, postgrestest.Candidate, request.HandIn{Acting: postgrestest.NewID(), Application: s.app, Competences: []string{code}}))
	round := assessment.RoundID(r.Record)
	if _, err := s.OpenAssessment(s.ctx, s.app, []assessment.RoundID{round}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) claim(a postgres.Actor) request.ClaimedTask {
	s.t.Helper()
	r := s.must(s.ClaimTask(s.ctx, a, request.ClaimTask{Acting: postgrestest.NewID()}))
	return *r.Claimed
}

// judge gives the same verdict on everything that a task asks and offers.
func (s *story) judge(a postgres.Actor, task request.ClaimedTask, outcome assessment.Outcome) {
	s.t.Helper()
	req := request.GiveVerdicts{Acting: postgrestest.NewID(), Task: task.Task, Fence: task.Fence}
	for _, ids := range [][]catalogue.IndicatorID{task.Asked, task.Offered} {
		for _, id := range ids {
			v := request.Verdict{Indicator: id, Outcome: outcome}
			if outcome == assessment.NotYetShown {
				v.Reason = "The evidence does not say what you did yourself."
			}
			req.Verdicts = append(req.Verdicts, v)
		}
	}
	s.must(s.GiveVerdicts(s.ctx, a, req))
}

func (s *story) weigh() award.Outcome {
	s.t.Helper()
	proposes, err := s.WeighRounds(s.ctx, s.app)
	if err != nil {
		s.t.Fatal(err)
	}
	return proposes
}

// assess takes one competence from evidence to its finding.
func (s *story) assess(code string, outcome assessment.Outcome) award.Outcome {
	s.t.Helper()
	s.support(code)
	s.handIn(code)
	s.judge(postgrestest.Assessor, s.claim(postgrestest.Assessor), outcome)
	return s.weigh()
}

// assessAll takes the whole standard to the proposal.
func (s *story) assessAll() award.ProposalID {
	s.t.Helper()
	var last award.Outcome
	for n := range 14 {
		last = s.assess(fmt.Sprintf("B.2.%d", n+1), assessment.Shown)
	}
	if last != award.Award {
		s.t.Fatalf("after all competences the rules propose %q, want an award", last)
	}
	return s.propose()
}

func (s *story) propose() award.ProposalID {
	s.t.Helper()
	if _, err := s.ProposeAward(s.ctx, s.app); err != nil {
		s.t.Fatal(err)
	}
	c := s.see()
	if c.Proposal == nil {
		s.t.Fatal("there is no proposal")
	}
	return c.Proposal.Proposal
}

func (s *story) see() request.Case {
	s.t.Helper()
	c, err := s.Case(s.ctx, postgrestest.Auditor, request.OfApplication{Application: s.app, Purpose: reading.Audit})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *story) decision(p award.ProposalID, outcome award.Outcome) request.Decide {
	return request.Decide{
		Acting: postgrestest.NewID(), Application: s.app, Proposal: p, Outcome: outcome,
		Reviewed: true, Grounds: "The committee read the whole case.", LegalBasis: "KutS § 18(2)",
	}
}

func (s *story) stats() request.Stats {
	s.t.Helper()
	stats, err := s.Stats(s.ctx, postgrestest.Auditor)
	if err != nil {
		s.t.Fatal(err)
	}
	return stats
}
