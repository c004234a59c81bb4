// Package assessment holds verdicts and what they amount to. One rule stands in
// one file, with the source it follows. Rules take values and return values.
package assessment

import (
	"strings"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
)

// RoundID names one handing-in of one competence, with the evidence frozen then.
type RoundID string

// TaskID names one assessor's piece of work on one round.
type TaskID string

// Outcome is what an assessor found for one indicator.
type Outcome string

// The outcomes. The zero Outcome is no verdict.
const (
	Shown       Outcome = "shown"
	NotYetShown Outcome = "not_yet_shown" // always with a reason: the candidate's way on
)

// Verdict is what one assessor found for one indicator. Verdicts are facts; a
// later one stands beside an earlier one and does not change it.
type Verdict struct {
	Indicator catalogue.IndicatorID
	Outcome   Outcome
	Reason    string // in the assessor's words; required when not yet shown
	Context   string // code of the competence during whose assessment a recurring indicator was judged
	Assessor  person.AssessorID
	Position  int // place in the application's sequence: later stands over earlier
}

// maxReason bounds a reason in bytes, so that one request carries a whole round.
const maxReason = 4000

// Check says whether v may answer what its task asks. Context must be the task's
// competence for a recurring indicator and empty for any other.
func (v Verdict) Check(ask Ask) error {
	switch v.Outcome {
	case Shown:
	case NotYetShown:
		if strings.TrimSpace(v.Reason) == "" {
			return fault.Invalid.New("say why %s is not yet shown: the reason is the candidate's way on", v.Indicator)
		}
	default:
		return fault.Invalid.New("%.30q is not an outcome; outcomes are %s and %s", v.Outcome, Shown, NotYetShown)
	}
	if v.Reason != "" {
		if err := prose.Check("the reason for "+v.Indicator.String(), v.Reason, maxReason); err != nil {
			return err
		}
	}
	if !ask.Covers(v.Indicator) {
		return fault.Invalid.New("this task does not ask about %s; it asks about %v and may judge %v", v.Indicator, ask.Asked, ask.Offered)
	}
	return nil
}
