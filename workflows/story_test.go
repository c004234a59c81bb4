package workflows_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/workflows"
)

const theCase application.ID = "app-1"

// began is day 0 of every story.
var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// story is one case told in days: what people do is set with on, and run lets
// Temporal's test environment skip the time between.
type story struct {
	*record
	t      *testing.T
	env    *testsuite.TestWorkflowEnvironment
	timers []string // what happened to the workflow's timers
	facts  int
}

func newStory(t *testing.T, required ...string) *story {
	s := &story{t: t}
	s.record = newRecord(theCase, func() time.Time { return s.env.Now() }, required...)
	s.begin(began)
	return s
}

// begin makes the environment of one run. A case that continues as new has several.
func (s *story) begin(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent())
	s.env = suite.NewTestWorkflowEnvironment()
	s.env.SetStartTime(at)
	s.env.SetTestTimeout(time.Minute) // of nothing happening, by the wall clock
	s.env.SetOnTimerScheduledListener(func(_ string, d time.Duration) { s.timer("set for", s.env.Now().Add(d)) })
	s.env.SetOnTimerFiredListener(func(string) { s.timer("rang", s.env.Now()) })
	s.env.SetOnTimerCanceledListener(func(string) { s.timer("cancelled", s.env.Now()) })
	workflows.Register(s.env, s.record)
}

func silent() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

func (s *story) timer(what string, at time.Time) { s.timers = append(s.timers, what+" "+dayOf(at)) }

// on says what happens on a day of the story.
func (s *story) on(days float64, happens func()) {
	at := began.Add(time.Duration(days * float64(day)))
	s.env.RegisterDelayedCallback(happens, at.Sub(s.env.Now()))
}

// tell tells the workflow of facts, all in one workflow task.
func (s *story) tell(es ...events.Event) {
	var facts []workflows.Fact
	for _, e := range es {
		s.facts++
		fact, _, err := workflows.FactOf(fmt.Sprintf("fact-%d", s.facts), e)
		if err != nil {
			s.t.Error(err)
		}
		facts = append(facts, fact)
	}
	s.signal(facts...)
}

func (s *story) signal(facts ...workflows.Fact) {
	for i, fact := range facts {
		if i < len(facts)-1 {
			s.env.SignalWorkflowSkippingWorkflowTask(workflows.FactSignal, fact)
			continue
		}
		s.env.SignalWorkflow(workflows.FactSignal, fact)
	}
}

func (s *story) run() { s.goOn(workflows.CertificationInput{Application: theCase}) }

func (s *story) goOn(in workflows.CertificationInput) {
	s.env.ExecuteWorkflow(workflows.Certification, in)
}

// ends checks how the case ended.
func (s *story) ends(want workflows.CertificationResult) {
	s.t.Helper()
	if err := s.env.GetWorkflowError(); err != nil {
		s.t.Errorf("the workflow failed: %v, want it to end %+v", err, want)
		return
	}
	var got workflows.CertificationResult
	if err := s.env.GetWorkflowResult(&got); err != nil || got != want {
		s.t.Errorf("the case ended %+v, %v; want %+v", got, err, want)
	}
}

// continued checks that the run asked for another one, and returns what that
// remembers.
func (s *story) continued() workflows.CertificationInput {
	s.t.Helper()
	var again *workflow.ContinueAsNewError
	if err := s.env.GetWorkflowError(); !errors.As(err, &again) {
		s.t.Fatalf("the run ended with %v, want it to continue as new", err)
	}
	var in workflows.CertificationInput
	if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &in); err != nil {
		s.t.Fatal(err)
	}
	return in
}

// told checks what the workflow did to the record, act by act.
func (s *story) told(want ...string) {
	s.t.Helper()
	var got []string
	for _, a := range s.acts {
		got = append(got, dayOf(a.at)+": "+a.what)
	}
	s.same("the story", got, want)
}

func (s *story) same(what string, got, want []string) {
	s.t.Helper()
	if !reflect.DeepEqual(got, want) {
		s.t.Errorf("%s went\n\t%q, want\n\t%q", what, got, want)
	}
}

// count says how often the workflow made a call, tries included.
func (s *story) count(call string) int {
	n := 0
	for _, c := range s.calls {
		if c == call {
			n++
		}
	}
	return n
}

// dayOf says when in the story something was; the seconds only where they tell.
func dayOf(at time.Time) string {
	since := at.Sub(began)
	if rest := since % day; rest >= time.Second {
		return fmt.Sprintf("day %d %v", since/day, rest.Truncate(time.Second))
	}
	return fmt.Sprintf("day %d", since/day)
}

var (
	registered = workflows.CertificationResult{State: application.Registered, Number: "1-0000001"}
	refused    = workflows.CertificationResult{State: application.Refused}
	withdrawn  = workflows.CertificationResult{State: application.Withdrawn}
)
