package workflows_test

import (
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

func TestWhatIsOverdueIsRemindedOfOnceForEachDueTime(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })  // due on day 15
	s.on(10, func() { s.tell(s.handIn("B.2.2")) }) // due on day 24
	s.on(30, func() { s.tell(s.shown("B.2.1"), s.shown("B.2.2")) })
	s.on(70, func() { s.tell(s.decide(award.Award)) })
	s.run()
	s.ends(registered)
	s.told("day 1: opened B.2.1 round 1", "day 10: opened B.2.2 round 1",
		"day 15: reminded of B.2.1 round 1", "day 24: reminded of B.2.2 round 1",
		"day 30: weighed B.2.1 round 1: met", "day 30: weighed B.2.2 round 1: met", "day 30: proposed award",
		"day 60: reminded of the decision", "day 70: registered")
	s.same("the timers", s.timers, []string{
		"set for day 15", "rang day 15", "set for day 24", "rang day 24", "set for day 60", "rang day 60",
	})
}

func TestALaterDueTimeStartsNoSecondTimer(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2", "B.2.3")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.tell(s.handIn("B.2.2")) })
	s.on(3, func() { s.tell(s.handIn("B.2.3")) })
	s.on(4, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.same("the timers", s.timers, []string{"set for day 15"})
}

func TestAnEarlierDueTimeMovesTheTimerAndTheOldOneIsNoAlarm(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2", "B.2.3")
	s.days = map[string]time.Duration{"B.2.2": 5 * day, "B.2.3": 2 * day}
	s.on(1, func() { s.tell(s.handIn("B.2.1")) }) // due on day 15
	s.on(2, func() { s.tell(s.handIn("B.2.2")) }) // due on day 7
	s.on(3, func() { s.tell(s.handIn("B.2.3")) }) // due on day 5
	s.on(4, func() {
		if n := s.count("RemindOverdue"); n != 0 {
			t.Errorf("by day 4 the record was asked %d times what is overdue, want never: a cancelled timer was taken for an alarm", n)
		}
	})
	s.on(20, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.told("day 1: opened B.2.1 round 1", "day 2: opened B.2.2 round 1", "day 3: opened B.2.3 round 1",
		"day 5: reminded of B.2.3 round 1", "day 7: reminded of B.2.2 round 1", "day 15: reminded of B.2.1 round 1")
	s.same("the timers", s.timers, []string{
		"set for day 15", "set for day 7", "cancelled day 2", "set for day 5", "cancelled day 3",
		"rang day 5", "set for day 7", "rang day 7", "set for day 15", "rang day 15",
	})
	if n := s.count("RemindOverdue"); n != 3 {
		t.Errorf("the record was asked %d times what is overdue, want 3: once for each due time", n)
	}
}

func TestAnAlarmForWhatIsDoneAlreadyRemindsOfNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.tell(s.handIn("B.2.2")) })
	s.on(3, func() { s.tell(s.shown("B.2.1")) }) // the alarm for it stays set for day 15
	s.on(20, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.told("day 1: opened B.2.1 round 1", "day 2: opened B.2.2 round 1", "day 3: weighed B.2.1 round 1: met",
		"day 16: reminded of B.2.2 round 1")
	s.same("the timers", s.timers, []string{"set for day 15", "rang day 15", "set for day 16", "rang day 16"})
}

func TestARecordWhoseClockIsBehindIsAskedAgainAfterAPause(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	now := s.now
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.now = func() time.Time { return now().Add(-5 * time.Second) } })
	s.on(16, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.same("the timers", s.timers, []string{"set for day 15", "rang day 15", "set for day 15 1m0s", "rang day 15 1m0s"})
	if n := s.count("RemindOverdue"); n != 2 {
		t.Errorf("the record was asked %d times what is overdue, want 2: on time, and %v later", n, workflows.Pause)
	}
}

func TestADueTimeInThePastIsRemindedOfAtOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1")
	s.days = map[string]time.Duration{"B.2.1": -day}
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(2, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	s.told("day 1: opened B.2.1 round 1", "day 1: reminded of B.2.1 round 1")
}

func TestAFactAndAnAlarmAtOnceAreBothActedOn(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.tell(s.handIn("B.2.1")) })
	s.on(15, func() { s.tell(s.handIn("B.2.2")) })
	s.on(20, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	got := map[string]bool{}
	for _, a := range s.acts {
		got[dayOf(a.at)+": "+a.what] = true
	}
	for _, want := range []string{"day 15: opened B.2.2 round 1", "day 15: reminded of B.2.1 round 1"} {
		if !got[want] {
			t.Errorf("%q did not happen; what did: %v", want, got)
		}
	}
}
