package workflows_test

import (
	"testing"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

// ignore takes facts that no workflow is told of.
func ignore(...events.Event) {}

// toJudgement brings the record to a closed round with no workflow.
func (s *story) toJudgement(t *testing.T) {
	ignore(s.handIn("B.2.1"))
	if _, err := s.OpenAssessment(t.Context(), theCase, s.ids()); err != nil {
		t.Fatal(err)
	}
	ignore(s.shown("B.2.1"))
	s.acts = nil
}

// toProposal brings the record before the committee with no workflow.
func (s *story) toProposal(t *testing.T) {
	s.toJudgement(t)
	if _, err := s.WeighRounds(t.Context(), theCase); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ProposeAward(t.Context(), theCase); err != nil {
		t.Fatal(err)
	}
	s.acts = nil
}

func (s *story) ids() (ids []assessment.RoundID) {
	for _, r := range s.rounds {
		ids = append(ids, r.id)
	}
	return ids
}

func TestALostWorkflowGoesOnFromWhatTheRecordWaitsFor(t *testing.T) {
	t.Parallel()
	const code = "B.2.1"
	for name, tt := range map[string]struct {
		before func(s *story) // what the record has; no workflow heard of it
		after  func(s *story) // on day 3, after the recovery
		want   workflows.CertificationResult
		story  []string
	}{
		"nothing happened yet": {
			before: func(s *story) { ignore(s.opened()) },
			after:  func(s *story) { s.tell(s.withdraw()) },
			want:   withdrawn,
		},
		"rounds to open": {
			before: func(s *story) { ignore(s.handIn(code)) },
			after:  func(s *story) { s.tell(s.withdraw()) },
			want:   withdrawn, story: []string{"day 1: opened B.2.1 round 1"},
		},
		"rounds to weigh, and a proposal to make": {
			before: func(s *story) { s.toJudgement(t) },
			after:  func(s *story) { s.tell(s.decide(award.Award)) },
			want:   registered,
			story:  []string{"day 1: weighed B.2.1 round 1: met", "day 1: proposed award", "day 3: registered"},
		},
		"weighed, but not proposed": {
			before: func(s *story) {
				s.toJudgement(t)
				_, _ = s.WeighRounds(t.Context(), theCase)
				s.acts = nil
			},
			after: func(s *story) { s.tell(s.decide(award.Award)) },
			want:  registered, story: []string{"day 1: proposed award", "day 3: registered"},
		},
		"awarded but not registered": {
			before: func(s *story) { s.toProposal(t); ignore(s.decide(award.Award)) },
			want:   registered, story: []string{"day 1: registered"},
		},
		"registered already": {
			before: func(s *story) {
				s.toProposal(t)
				ignore(s.decide(award.Award))
				_, _ = s.EnterRegister(t.Context(), theCase)
				s.acts = nil
			},
			want: registered,
		},
		"refused already": {
			before: func(s *story) { s.toProposal(t); ignore(s.decide(award.Refuse)) },
			want:   refused,
		},
		"withdrawn already, with a round that nobody opened": {
			before: func(s *story) { ignore(s.handIn(code), s.withdraw()) },
			want:   withdrawn,
		},
		"returned, and nothing handed in since": {
			before: func(s *story) { s.toProposal(t); ignore(s.decide(award.Return, code)) },
			after:  func(s *story) { s.tell(s.withdraw()) },
			want:   withdrawn,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, code)
			tt.before(s)
			s.on(1, func() { s.signal(workflows.Fact{ID: "r", Type: workflows.Recovered}) })
			if tt.after != nil {
				s.on(3, func() { tt.after(s) })
			}
			s.run()
			s.ends(tt.want)
			s.told(tt.story...)
		})
	}
}

func TestALostWorkflowSetsItsAlarmAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	ignore(s.handIn("B.2.1"))
	if _, err := s.OpenAssessment(t.Context(), theCase, s.ids()); err != nil { // due on day 14
		t.Fatal(err)
	}
	s.on(1, func() { s.signal(workflows.Fact{ID: "r", Type: workflows.Recovered}) })
	s.on(20, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.told("day 0: opened B.2.1 round 1", "day 14: reminded of B.2.1 round 1")
}

func TestARecoveryOfAWorkflowThatIsWellChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	look := func() { s.signal(workflows.Fact{ID: dayOf(s.now()), Type: workflows.Recovered}) }
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, look)
	s.on(3, func() { s.tell(s.shown("B.2.1")) })
	s.on(4, look)
	s.on(5, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 3: weighed B.2.1 round 1: met", "day 3: proposed award", "day 5: registered")
	s.same("the timers", s.timers, []string{"set for day 15"})
}
