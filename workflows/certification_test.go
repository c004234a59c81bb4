package workflows_test

import (
	"testing"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

func TestAnAwardGoesFromTheFirstHandInToTheRegister(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(0, func() { s.tell(s.opened()) })
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(3, func() { s.tell(s.shown("B.2.1")) })
	s.on(20, func() { s.tell(s.handIn("B.2.2")) })
	s.on(25, func() { s.tell(s.shown("B.2.2")) })
	s.on(40, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 3: weighed B.2.1 round 1: met",
		"day 20: opened B.2.2 round 1", "day 25: weighed B.2.2 round 1: met", "day 25: proposed award", "day 40: registered")
}

func TestWhatIsNotYetShownGoesBackAndIsHandedInAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(0, func() { s.tell(s.opened()) })
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(3, func() { s.tell(s.notYet()) })
	s.on(10, func() { s.tell(s.handIn("B.2.1")) })
	s.on(12, func() { s.tell(s.shown("B.2.1")) })
	s.on(13, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 3: weighed B.2.1 round 1: not yet shown",
		"day 10: opened B.2.1 round 2", "day 12: weighed B.2.1 round 2: met", "day 12: proposed award", "day 13: registered")
}

func TestSeveralFactsAreOneStep(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2", "B.2.3")
	s.on(1, func() { s.tell(s.opened(), s.handIn("B.2.1"), s.handIn("B.2.2", "B.2.3")) })
	s.on(2, func() { s.tell(s.shown("B.2.3"), s.shown("B.2.1"), s.shown("B.2.2")) })
	s.on(3, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 1: opened B.2.2 round 1", "day 1: opened B.2.3 round 1",
		"day 2: weighed B.2.1 round 1: met", "day 2: weighed B.2.2 round 1: met", "day 2: weighed B.2.3 round 1: met",
		"day 2: proposed award", "day 3: registered")
	s.same("the calls", s.calls, []string{"OpenAssessment", "WeighRounds", "ProposeAward", "EnterRegister"})
}

func TestTheSameFactTwiceIsActedOnOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	fact := func(id string, f workflows.Fact) workflows.Fact { f.ID = id; return f }
	s.on(1, func() {
		handedIn, _, _ := workflows.FactOf("h", s.handIn("B.2.1"))
		s.signal(handedIn, handedIn)
		s.on(2, func() { s.signal(handedIn) })
		closed, _, _ := workflows.FactOf("c", s.shown("B.2.1"))
		s.on(3, func() { s.signal(closed, handedIn, closed) })
		s.on(4, func() { s.signal(closed) })
		// The same under another id is another fact; the record finds it harmless.
		s.on(5, func() { s.signal(fact("h2", handedIn), fact("c2", closed)) })
	})
	s.on(6, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 3: weighed B.2.1 round 1: met", "day 3: proposed award", "day 6: registered")
	s.same("the calls", s.calls, []string{
		"OpenAssessment", "WeighRounds", "ProposeAward", "OpenAssessment", "WeighRounds", "EnterRegister",
	})
}

func TestFactsInTheWrongOrderComeToTheSame(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() {
		handedIn := s.handIn("B.2.1", "B.2.2")
		first, second := s.shown("B.2.1"), s.shown("B.2.2")
		s.tell(second)
		s.on(2, func() { s.tell(first, handedIn) }) // handed in is told last
	})
	s.on(4, func() { s.tell(s.decide(award.Award)) })
	s.on(5, func() { s.t.Error("an award that was told went by") })
	s.run()
	s.ends(registered)
	s.told("day 1: weighed B.2.1 round 1: met", "day 1: weighed B.2.2 round 1: met",
		"day 1: proposed award", "day 4: registered")
}

func TestALateReturnDoesNotHideTheAwardThatFollowedIt(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.tell(s.shown("B.2.1")) })
	s.on(3, func() {
		returned := s.decide(award.Return, "B.2.1") // told only on day 9
		s.on(9, func() { s.tell(s.decide(award.Award), returned) })
	})
	s.on(4, func() { s.tell(s.handIn("B.2.1")) })
	s.on(5, func() { s.tell(s.shown("B.2.1")) })
	s.on(10, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(registered)
}

func TestAWithdrawalEndsTheCaseInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.tell(s.handIn("B.2.2"), s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.told("day 1: opened B.2.1 round 1")
	s.same("the calls", s.calls, []string{"OpenAssessment"})
}

func TestARefusalEndsTheCaseAndEntersNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	for n := range maxRounds {
		s.on(float64(10*n+1), func() { s.tell(s.handIn("B.2.1")) })
		s.on(float64(10*n+2), func() { s.tell(s.notYet()) })
	}
	s.on(30, func() { s.tell(s.decide(award.Refuse)) })
	s.run()
	s.ends(refused)
	s.told("day 1: opened B.2.1 round 1", "day 2: weighed B.2.1 round 1: not yet shown",
		"day 11: opened B.2.1 round 2", "day 12: weighed B.2.1 round 2: not yet shown", "day 12: proposed refuse")
}

func TestAfterAReturnTheCaseGoesOnToItsAward(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1", "B.2.2")) })
	s.on(2, func() { s.tell(s.shown("B.2.1"), s.shown("B.2.2")) })
	s.on(5, func() { s.tell(s.decide(award.Return, "B.2.2")) })
	s.on(8, func() { s.tell(s.handIn("B.2.2")) })
	s.on(9, func() { s.tell(s.shown("B.2.2")) })
	s.on(10, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 1: opened B.2.2 round 1",
		"day 2: weighed B.2.1 round 1: met", "day 2: weighed B.2.2 round 1: met", "day 2: proposed award",
		"day 8: opened B.2.2 round 2", "day 9: weighed B.2.2 round 2: met", "day 9: proposed award", "day 10: registered")
}

func TestAFactOfATypeFromALaterVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(1, func() { s.signal(workflows.Fact{ID: "x", Type: "application.framed.v9"}) })
	s.on(2, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	if len(s.calls) != 0 || s.state != application.Withdrawn {
		t.Errorf("the workflow made calls %q, want none", s.calls)
	}
}
