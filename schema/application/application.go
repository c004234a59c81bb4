// Package application says where one person's case can stand, and what may be
// done to it there.
package application

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/fault"
)

// ID names one application: one person, one standard version, one procedure version.
type ID string

// State is where a case stands (design.md 3). It follows from the facts; the
// record keeps it beside them so that an act can be refused at once.
type State string

// The states.
const (
	Gathering  State = "gathering"  // evidence comes in; nothing is with an assessor
	Assessing  State = "assessing"  // at least one round is with assessors
	Proposed   State = "proposed"   // the committee has a proposal before it
	Awarded    State = "awarded"    // decided for the candidate, not yet in the register
	Registered State = "registered" // the register entry stands; the end
	Refused    State = "refused"    // decided against the candidate; the end
	Withdrawn  State = "withdrawn"  // the candidate took it back; the end
)

// States returns every state.
func States() []State {
	return []State{Gathering, Assessing, Proposed, Awarded, Registered, Refused, Withdrawn}
}

// Act is something that somebody wants to do to a case.
type Act string

// The acts that depend on where the case stands.
const (
	SubmitEvidence Act = "submit evidence"
	HandIn         Act = "hand in a competence"
	GiveVerdict    Act = "give a verdict"
	Decide         Act = "decide"
	Withdraw       Act = "withdraw"
)

// allowed is the table of acts by state. While a proposal is before the
// committee the case is frozen: it decides on what it saw.
var allowed = map[Act][]State{
	SubmitEvidence: {Gathering, Assessing},
	HandIn:         {Gathering, Assessing},
	GiveVerdict:    {Assessing},
	Decide:         {Proposed},
	Withdraw:       {Gathering, Assessing, Proposed},
}

// Allow says whether act may be done to a case that stands at s. The error is a
// Conflict that names the state: it was possible once, or will be later.
func (s State) Allow(act Act) error {
	if slices.Contains(allowed[act], s) {
		return nil
	}
	return fault.Conflict.New("the application is %s: nobody can %s now", s, act)
}

// Ended says that nothing more happens to a case that stands at s.
func (s State) Ended() bool { return s == Registered || s == Refused || s == Withdrawn }
