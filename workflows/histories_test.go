package workflows_test

import (
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

var three = []string{"B.2.1", "B.2.2", "B.2.3"}

// histories are the cases whose histories are kept for replay, each told to a real
// Temporal. TestRecord runs them.
var histories = map[string]func(*live){
	"award": func(l *live) {
		l.tell(l.opened())
		l.toAward()
		l.tell(l.decide(award.Award))
		l.ends(registered)
	},
	"award-at-once": func(l *live) { // told faster than they are taken
		for n, code := range three {
			l.send(fmt.Sprint("h", n), l.handIn(code))
		}
		l.settle()
		for n, code := range three {
			l.send(fmt.Sprint("c", n), l.shown(code))
		}
		l.settle()
		if err := l.await(l.ctx, "proposed award"); err != nil {
			l.t.Fatal(err)
		}
		l.tell(l.decide(award.Award))
		l.ends(registered)
	},
	"not-yet-shown": func(l *live) {
		l.tell(l.opened())
		l.tell(l.handIn(three...))
		l.tell(l.notYet())
		l.tell(l.handIn("B.2.1"))
		for _, code := range three {
			l.tell(l.shown(code))
		}
		l.tell(l.decide(award.Award))
		l.ends(registered)
	},
	"withdrawal": func(l *live) {
		l.tell(l.opened())
		l.tell(l.handIn("B.2.1"))
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
	"refusal": func(l *live) {
		l.tell(l.opened())
		for range maxRounds {
			l.tell(l.handIn("B.2.1"))
			l.tell(l.notYet())
		}
		l.tell(l.decide(award.Refuse))
		l.ends(refused)
	},
	"return": func(l *live) {
		l.tell(l.opened())
		l.toAward()
		l.tell(l.decide(award.Return, "B.2.2"))
		l.tell(l.handIn("B.2.2"))
		l.tell(l.shown("B.2.2"))
		l.tell(l.decide(award.Award))
		l.ends(registered)
	},
	"overdue": func(l *live) {
		l.days = map[string]time.Duration{"B.2.1": time.Second, "B.2.2": 2 * time.Second}
		l.tell(l.handIn("B.2.1", "B.2.2"))
		for _, what := range []string{"reminded of B.2.1 round 1", "reminded of B.2.2 round 1"} {
			if err := l.await(l.ctx, what); err != nil {
				l.t.Fatal(err)
			}
		}
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
	"timer-moved": func(l *live) {
		l.days = map[string]time.Duration{"B.2.2": time.Second}
		l.tell(l.handIn("B.2.1"))
		l.tell(l.handIn("B.2.2"))
		l.tell(l.handIn("B.2.3"))
		if err := l.await(l.ctx, "reminded of B.2.2 round 1"); err != nil {
			l.t.Fatal(err)
		}
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
	"recovered": func(l *live) {
		l.tell(l.opened())
		l.toAward()
		if err := l.client.TerminateWorkflow(l.ctx, l.id(), "", "lost"); err != nil {
			l.t.Fatal(err)
		}
		ignore(l.decide(award.Award))
		if err := workflows.Recover(l.ctx, l.client, l.app, "recovery"); err != nil {
			l.t.Fatal(err)
		}
		l.ends(registered)
	},
	"recovered-in-the-middle": func(l *live) {
		l.tell(l.handIn("B.2.1"))
		if err := l.client.TerminateWorkflow(l.ctx, l.id(), "", "lost"); err != nil {
			l.t.Fatal(err)
		}
		ignore(l.shown("B.2.1"), l.handIn("B.2.2", "B.2.3"))
		if err := workflows.Recover(l.ctx, l.client, l.app, "recovery"); err != nil {
			l.t.Fatal(err)
		}
		l.settle()
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
	"outage": func(l *live) { // long enough for a pause that is a timer
		until := time.Now().Add(20 * time.Second)
		l.fail(func(string) error {
			if time.Now().Before(until) {
				return errUnavailable
			}
			return nil
		})
		l.send("h", l.handIn("B.2.1"))
		if err := l.await(l.ctx, "opened B.2.1 round 1"); err != nil {
			l.t.Fatal(err)
		}
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
	"continued": func(l *live) {
		l.tell(l.handIn("B.2.1"))
		l.fill()
		l.tell(l.handIn("B.2.2"))
		l.tell(l.withdraw())
		l.ends(withdrawn)
	},
}

// toAward hands in and shows the three competences one by one.
func (l *live) toAward() {
	l.t.Helper()
	for _, code := range three {
		l.tell(l.handIn(code))
		l.tell(l.shown(code))
	}
}
