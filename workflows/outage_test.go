package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/workflows"
)

var errUnavailable = fault.Unavailable.New("PostgreSQL does not answer")

// down makes every call fail for a while from now on.
func (s *story) down(d time.Duration, err error) {
	until := s.now().Add(d)
	s.fails = func(string) error {
		if s.now().Before(until) {
			return err
		}
		return nil
	}
}

func TestAnOutageOfTheRecordHoldsTheCase(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err      error
		lasts    time.Duration
		atLeast  int // tries
		atMost   int
		resumeBy time.Duration // after its end
	}{
		"for a second":                  {errUnavailable, time.Second, 3, 8, 2 * time.Second},
		"for longer than one try takes": {errUnavailable, time.Minute, 8, 12, time.Minute},
		"for a day":                     {errUnavailable, day, 1400, 1460, time.Minute},
		"with an error of our own":      {errors.New("disk on fire"), time.Hour, 50, 80, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, "B.2.1")
			s.on(1, func() { s.down(tt.lasts, tt.err); s.tell(s.handIn("B.2.1")) })
			s.on(3, func() { s.tell(s.shown("B.2.1")) })
			s.on(4, func() { s.tell(s.decide(award.Award)) })
			s.run()
			s.ends(registered)
			if n := s.count("OpenAssessment"); n < tt.atLeast || n > tt.atMost {
				t.Errorf("it was tried %d times, want %d to %d", n, tt.atLeast, tt.atMost)
			}
			if len(s.acts) == 0 {
				t.Fatal("nothing was done after the outage")
			}
			end := began.Add(day + tt.lasts)
			if late := s.acts[0].at.Sub(end); late < 0 || late > tt.resumeBy {
				t.Errorf("%q came %v after the end of the outage, want within %v", s.acts[0].what, late, tt.resumeBy)
			}
		})
	}
}

func TestFactsToldDuringAnOutageAreActedOnAfterIt(t *testing.T) {
	t.Parallel()
	s := newStory(t, "B.2.1", "B.2.2")
	s.on(1, func() { s.down(day, errUnavailable); s.tell(s.handIn("B.2.1")) })
	s.on(1.2, func() { s.tell(s.handIn("B.2.2")) })
	s.on(1.4, func() { s.tell(s.shown("B.2.2")) })
	s.on(3, func() { s.tell(s.withdraw()) })
	s.run()
	s.ends(withdrawn)
	var got []string
	for _, a := range s.acts {
		got = append(got, a.what)
	}
	s.same("the acts", got, []string{"opened B.2.1 round 1", "opened B.2.2 round 1", "weighed B.2.2 round 1: met"})
}

func TestAFaultThatNoRetryMendsFailsTheWorkflow(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := newStory(t, "B.2.1")
			s.fails = func(string) error { return kind.New("no such thing") }
			s.on(1, func() { s.tell(s.handIn("B.2.1")) })
			s.run()
			var app *temporal.ApplicationError
			if err := s.env.GetWorkflowError(); !errors.As(err, &app) || app.Type() != string(kind) || app.Message() != "no such thing" {
				t.Errorf("the workflow ended with %v, want a failure of type %s with its message", err, kind)
			}
			if n := s.count("OpenAssessment"); n != 1 {
				t.Errorf("it was tried %d times, want once", n)
			}
		})
	}
}

func TestEachActThatFailsNamesWhatWasBeingDone(t *testing.T) {
	t.Parallel()
	for call, words := range map[string]string{
		"OpenAssessment": "opening the assessment of app-1", "WeighRounds": "weighing app-1",
		"ProposeAward": "proposing on app-1", "EnterRegister": "entering app-1 in the register",
		"RemindOverdue": "reminding of app-1", "Outstanding": "looking up app-1",
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			s := newStory(t, "B.2.1")
			s.fails = func(c string) error {
				if c == call {
					return fault.Invalid.New("broken")
				}
				return nil
			}
			s.on(1, func() { s.tell(s.handIn("B.2.1")) })
			s.on(20, func() { s.signal(workflows.Fact{ID: "look", Type: workflows.Recovered}) })
			s.on(21, func() { s.tell(s.shown("B.2.1")) })
			s.on(22, func() { s.tell(s.decide(award.Award)) })
			s.run()
			for err := s.env.GetWorkflowError(); ; err = errors.Unwrap(err) {
				if err == nil {
					t.Fatalf("the failure %v does not say %q", s.env.GetWorkflowError(), words)
				}
				if strings.Contains(err.Error(), words) {
					return
				}
			}
		})
	}
}
