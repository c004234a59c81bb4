package workflows_test

import (
	"testing"

	"go.temporal.io/api/enums/v1"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// What one application of it-manager-7 may cost Temporal: 14 competences handed in
// and judged one by one, the recurring one in their rounds. The engine does 60 to
// 80 small steps a second (reference/temporal.md 4), so an event more per step is a
// candidate less per minute.
var atMost = map[enums.EventType]int{
	enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:   1,
	enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:  30, // opened, 14 handed in, 14 closed, decided
	enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:      31, // one for each fact
	enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:        31,
	enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:      31,
	enums.EVENT_TYPE_MARKER_RECORDED:              30, // 14 opened, 14 weighed, proposed, registered
	enums.EVENT_TYPE_TIMER_STARTED:                1,  // the first due time; later ones leave it alone
	enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: 1,
}

const atMostInAll = 160

func TestWhatOneApplicationCostsTemporal(t *testing.T) {
	t.Parallel()
	std, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, g := range std.Groups {
		for _, c := range g.Competences {
			if g.Kind != catalogue.Recurring && len(c.Assessable()) > 0 {
				codes = append(codes, c.Code)
			}
		}
	}
	if len(codes) != 14 || len(std.Recurring()) != 1 {
		t.Fatalf("it-manager-7 has %d competences and %d recurring, want 14 and 1", len(codes), len(std.Recurring()))
	}

	l := startEngine(t).newCase(t, "cost", codes...)
	l.tell(l.opened())
	for _, code := range codes {
		l.tell(l.handIn(code))
		l.tell(l.shown(code))
	}
	l.tell(l.decide(award.Award))
	l.ends(registered)

	events := l.history("").GetEvents()
	counts := map[enums.EventType]int{}
	for _, e := range events {
		counts[e.GetEventType()]++
	}
	for kind, n := range counts {
		t.Logf("%3d %s (at most %d)", n, kind, atMost[kind])
		if n > atMost[kind] {
			t.Errorf("%s: %d events, want at most %d", kind, n, atMost[kind])
		}
	}
	t.Logf("%3d events in all (at most %d)", len(events), atMostInAll)
	if len(events) > atMostInAll {
		t.Errorf("%d events in all, want at most %d", len(events), atMostInAll)
	}
}
