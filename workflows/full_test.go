package workflows_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/workflows"
)

// send tells one fact and waits for nothing.
func (l *live) send(id string, e events.Event) {
	l.t.Helper()
	if err := workflows.Tell(l.ctx, l.client, id, e); err != nil {
		l.t.Errorf("telling of %s: %v", e.Type(), err)
	}
}

// suggested is the number of events at which Temporal suggests to continue as new.
const suggested = 4096

// fill repeats a fact, many at a time, until the case continues as new.
func (l *live) fill() {
	l.t.Helper()
	run := l.run()
	const tellers = 32
	for range 2 * suggested / tellers {
		var told sync.WaitGroup
		for range tellers {
			told.Go(func() { l.send("filler", l.opened()) })
		}
		told.Wait()
		if l.run() != run {
			l.settle()
			return
		}
	}
	l.t.Fatalf("after %d facts the case is still in its first run", 2*suggested)
}

func TestNoFactIsLostOrActedOnTwiceWhileACaseContinuesAsNew(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("thousands of facts")
	}
	const n = 40
	l := startEngine(t).newCase(t, "full", "B.9")
	var facts []events.Event
	var want []string
	for i := range n {
		code := fmt.Sprintf("B.2.%d", i)
		facts = append(facts, l.handIn(code))
		want = append(want, "opened "+code+" round 1")
	}
	l.send("filler", l.opened())
	first := l.run()
	var telling sync.WaitGroup
	telling.Go(func() {
		for i, fact := range facts {
			for range suggested / n / 4 { // spread over the run
				l.send("filler", l.opened())
			}
			for range 2 {
				l.send(fmt.Sprint("h", i), fact)
			}
		}
	})
	l.fill()
	telling.Wait()
	l.settle()
	for i, fact := range facts { // and once more to the new run
		l.send(fmt.Sprint("h", i), fact)
	}
	l.tell(l.withdraw())
	l.ends(withdrawn)
	if l.run() == first {
		t.Error("the case ended in its first run")
	}
	got := l.did()
	slices.Sort(got)
	slices.Sort(want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the workflow did %q, want %q", got, want)
	}
}
