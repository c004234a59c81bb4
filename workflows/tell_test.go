package workflows_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/workflows"
)

func TestTellingAWorkflowThatEndedIsAConflictAndStartsNothing(t *testing.T) {
	t.Parallel()
	l := startEngine(t).newCase(t, "ended", "B.2.1")
	l.tell(l.opened(), l.withdraw())
	l.ends(withdrawn)
	run := l.run()
	for what, again := range map[string]func() error{
		"the same fact": func() error { return workflows.Tell(l.ctx, l.client, "fact-1", l.opened()) },
		"another fact":  func() error { return workflows.Tell(l.ctx, l.client, "late", l.withdraw()) },
	} {
		if err := again(); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: got %v, want a conflict", what, err)
		}
	}
	if got := l.run(); got != run {
		t.Errorf("a run %s was started after %s ended", got, run)
	}
}

func TestRecoveringACaseThatIsOverEndsAgainAtOnce(t *testing.T) {
	t.Parallel()
	l := startEngine(t).newCase(t, "over", "B.2.1")
	l.tell(l.opened(), l.withdraw())
	l.ends(withdrawn)
	if err := workflows.Recover(l.ctx, l.client, l.app, "late"); err != nil {
		t.Errorf("a recovery: %v", err)
	}
	l.ends(withdrawn)
}

func TestTellingTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	l := startEngine(t).newCase(t, "twice", "B.2.1")
	fact := l.handIn("B.2.1")
	for range 2 {
		if err := workflows.Tell(l.ctx, l.client, "again", fact); err != nil {
			t.Errorf("telling: %v", err)
		}
		l.settle()
	}
	l.tell(l.withdraw())
	l.ends(withdrawn)
	if got, want := l.called(), []string{"OpenAssessment"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the workflow called %q, want %q", got, want)
	}
}

func TestWhatIsToldBeforeAnyWorkerRunsIsKept(t *testing.T) {
	t.Parallel()
	server, err := temporalserver.Start(t.Context(), temporalserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop(context.Background()) }()
	e := &engine{server: server}
	if e.client, err = dial(server); err != nil {
		t.Fatal(err)
	}
	defer e.client.Close()
	l := e.newCase(t, "early", "B.2.1")
	for id, fact := range map[string]events.Event{"a": l.handIn("B.2.1"), "b": l.opened()} {
		if err := workflows.Tell(l.ctx, l.client, id, fact); err != nil {
			t.Fatal(err)
		}
	}
	w := worker.New(e.client, workflows.TaskQueue, worker.Options{})
	workflows.Register(w, &e.cases)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if err := l.await(l.ctx, "opened B.2.1 round 1"); err != nil {
		t.Error(err)
	}
	l.tell(l.withdraw())
	l.ends(withdrawn)
}

func TestAFailedWorkflowWaitsForItsRecovery(t *testing.T) {
	t.Parallel()
	l := startEngine(t).newCase(t, "failed", "B.2.1")
	l.fail(func(string) error { return fault.Invalid.New("the standard of the case cannot be read") })
	fact := l.handIn("B.2.1")
	if err := workflows.Tell(l.ctx, l.client, "first", fact); err != nil {
		t.Fatal(err)
	}
	if err := l.client.GetWorkflow(l.ctx, l.id(), "").Get(l.ctx, nil); err == nil {
		t.Fatal("the workflow did not fail")
	}
	if err := workflows.Tell(l.ctx, l.client, "second", fact); !errors.Is(err, fault.Conflict) {
		t.Errorf("telling a failed workflow: got %v, want a conflict", err)
	}
	l.fail(nil) // mended
	if err := workflows.Recover(l.ctx, l.client, l.app, "mended"); err != nil {
		t.Fatalf("recovering a failed workflow: %v", err)
	}
	l.settle()
	l.tell(l.shown("B.2.1"))
	l.tell(l.decide(award.Award))
	l.ends(registered)
}

func TestATerminatedWorkflowIsRecoveredOnceForTheSameID(t *testing.T) {
	t.Parallel()
	l := startEngine(t).newCase(t, "terminated", "B.2.1")
	l.tell(l.handIn("B.2.1"))
	if err := l.client.TerminateWorkflow(l.ctx, l.id(), "", "a test"); err != nil {
		t.Fatal(err)
	}
	ignore(l.shown("B.2.1"))
	for range 2 {
		if err := workflows.Recover(l.ctx, l.client, l.app, "again"); err != nil {
			t.Fatal(err)
		}
		l.settle()
	}
	calls := l.called()
	if n := slices.Index(calls, "Outstanding"); n < 0 || slices.Contains(calls[n+1:], "Outstanding") {
		t.Errorf("two recoveries with one id: the workflow called %q, want it to look up once", calls)
	}
	l.tell(l.decide(award.Award))
	l.ends(registered)
}

func TestTemporalThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := newRecord("nowhere", time.Now)
	if err := workflows.Tell(ctx, c, "x", r.opened()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("telling: got %v, want unavailable", err)
	}
	if err := workflows.Recover(ctx, c, r.app, "x"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("recovering: got %v, want unavailable", err)
	}
}

func TestAWorkflowIsToldOfExactlyTheFactsItSays(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for _, e := range workflows.Told() {
		told[e.Type()] = true
	}
	for _, e := range events.All() {
		fact, _, err := workflows.FactOf("id", e)
		switch {
		case !told[e.Type()] && !errors.Is(err, fault.Invalid):
			t.Errorf("%s: got %v, want it refused as invalid", e.Type(), err)
		case told[e.Type()] && (err != nil || fact.ID != "id" || fact.Type != e.Type()):
			t.Errorf("%s: got %+v, %v; want a fact of it", e.Type(), fact, err)
		}
	}
}
