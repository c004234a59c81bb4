package application_test

import (
	"errors"
	"testing"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestWhatMayBeDoneWhere(t *testing.T) {
	may := map[application.State]string{
		//                        submit, hand in, verdict, decide, withdraw
		application.Gathering:  "yy--y",
		application.Assessing:  "yyy-y",
		application.Proposed:   "---yy",
		application.Awarded:    "-----",
		application.Registered: "-----",
		application.Refused:    "-----",
		application.Withdrawn:  "-----",
	}
	acts := []application.Act{
		application.SubmitEvidence, application.HandIn, application.GiveVerdict, application.Decide, application.Withdraw,
	}
	for _, state := range application.States() {
		row, ok := may[state]
		if !ok {
			t.Errorf("the table has no row for %q", state)
			continue
		}
		for i, act := range acts {
			err := state.Allow(act)
			if got, want := err == nil, row[i] == 'y'; got != want {
				t.Errorf("%s when %s: allowed %v, want %v", act, state, got, want)
			}
			if err != nil && !errors.Is(err, fault.Conflict) {
				t.Errorf("%s when %s: %v, want a conflict", act, state, err)
			}
		}
	}
}

func TestAStateNobodyNamedAllowsNothing(t *testing.T) {
	var zero application.State
	if zero.Allow(application.Withdraw) == nil {
		t.Error("the zero state allows withdrawal")
	}
}
