package workflows_test

import (
	"reflect"
	"testing"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

func TestACaseThatContinuesAsNewRemembersItsFactsAndItsAlarm(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(1, func() { s.tell(s.opened()) })
	s.on(2, func() { s.tell(s.handIn("B.2.1")) })
	s.on(3, func() {
		s.env.SetContinueAsNewSuggested(true)
		s.signal(workflows.Fact{ID: "fact-2", Type: "a repetition wakes it too"})
	})
	s.run()
	in := s.continued()
	want := workflows.CertificationInput{
		Application: theCase, Taken: []string{"fact-1", "fact-2"}, LookAt: began.Add(2*day + assessDue),
	}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("the next run is given\n\t%+v, want\n\t%+v", in, want)
	}

	s.begin(began.Add(3 * day))
	s.on(4, func() { s.signal(workflows.Fact{ID: "fact-2", Type: "competence.handed_in.v1", Rounds: s.ids()}) })
	s.on(20, func() { s.tell(s.shown("B.2.1")) })
	s.on(21, func() { s.tell(s.decide(award.Award)) })
	s.goOn(in)
	s.ends(registered)
	s.told("day 2: opened B.2.1 round 1", "day 16: reminded of B.2.1 round 1",
		"day 20: weighed B.2.1 round 1: met", "day 20: proposed award", "day 21: registered")
	if n := s.count("OpenAssessment"); n != 1 {
		t.Errorf("the same fact in two runs was acted on %d times, want once", n)
	}
	s.same("the timers", s.timers, []string{"set for day 16", "set for day 16", "rang day 16", "set for day 50"})
}

func TestACaseWithNoAlarmContinuesAsNewWithNone(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(1, func() { s.env.SetContinueAsNewSuggested(true); s.tell(s.opened()) })
	s.run()
	if in := s.continued(); !in.LookAt.IsZero() {
		t.Errorf("the next run is to look at %v, want never", in.LookAt)
	}
	s.begin(began.Add(2 * day))
	s.on(3, func() { s.tell(s.withdraw()) })
	s.goOn(workflows.CertificationInput{Application: theCase})
	s.ends(withdrawn)
	s.same("the timers", s.timers, nil)
}

func TestFactsOfTheTaskThatContinuesAsNewAreActedOnBefore(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() {
		s.env.SetContinueAsNewSuggested(true)
		s.tell(s.opened(), s.handIn("B.2.1"), s.handIn("B.2.2"))
	})
	s.run()
	in := s.continued()
	s.told("day 1: opened B.2.1 round 1", "day 1: opened B.2.2 round 1")
	if want := []string{"fact-1", "fact-2", "fact-3"}; !reflect.DeepEqual(in.Taken, want) {
		t.Errorf("the next run knows %q, want %q", in.Taken, want)
	}
}

func TestFactsToldWhileARunActsAreNotLeftInIt(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	// The second fact is told while the first is acted on; the case has been asked
	// to continue as new by then.
	s.fails = func(string) error {
		s.fails = nil
		s.env.SetContinueAsNewSuggested(true)
		s.mu.Unlock()
		s.tell(s.handIn("B.2.2"))
		s.mu.Lock()
		return nil
	}
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.run()
	in := s.continued()
	s.told("day 1: opened B.2.1 round 1", "day 1: opened B.2.2 round 1")
	if want := []string{"fact-1", "fact-2"}; !reflect.DeepEqual(in.Taken, want) {
		t.Errorf("the next run knows %q, want %q", in.Taken, want)
	}
}

func TestAnAlarmThatRangDuringAnActIsNotLostByContinuingAsNew(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) }) // due on day 15
	s.on(14.5, func() { s.down(day, errUnavailable); s.tell(s.handIn("B.2.2")) })
	s.on(15.2, func() { s.env.SetContinueAsNewSuggested(true) })
	s.run()
	in := s.continued()
	s.begin(began.Add(16 * day))
	s.fails = nil
	s.on(20, func() { s.tell(s.withdraw()) })
	s.goOn(in)
	s.ends(withdrawn)
	if s.acts[len(s.acts)-1].what != "reminded of B.2.1 round 1" {
		t.Errorf("nobody was reminded of what was due during the outage; what happened: %+v", s.acts)
	}
}

func TestACaseThatEndsDoesNotContinueAsNew(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.on(1, func() { s.env.SetContinueAsNewSuggested(true); s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
}
