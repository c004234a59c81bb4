package events

import (
	"time"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
)

// AwardProposed says that the workflow put a proposal before the committee.
type AwardProposed struct {
	About
	Proposal award.ProposalID `json:"proposal"`
	Outcome  award.Outcome    `json:"outcome"`
	Basis    canon.Digest     `json:"basis"`  // of the verdicts it rests on
	DueAt    time.Time        `json:"due_at"` // UTC
}

// Type implements Event.
func (AwardProposed) Type() string { return "award.proposed.v1" }

// AwardDecided says what the committee decided. An award goes on to the register;
// a return goes back to gathering; a refusal ends the case.
type AwardDecided struct {
	About
	Proposal award.ProposalID `json:"proposal"`
	Decision award.DecisionID `json:"decision"`
	Outcome  award.Outcome    `json:"outcome"`
	Returned []string         `json:"returned,omitempty"` // codes of the competences to assess again
}

// Type implements Event.
func (AwardDecided) Type() string { return "award.decided.v1" }

// DecisionOverdue says that a proposal is past the time by which it should have
// been decided.
type DecisionOverdue struct {
	About
	Proposal award.ProposalID `json:"proposal"`
}

// Type implements Event.
func (DecisionOverdue) Type() string { return "decision.overdue.v1" }

// QualificationRegistered says that the award is in the register: the entry is
// the qualification.
type QualificationRegistered struct {
	About
	Decision  award.DecisionID `json:"decision"`
	Number    string           `json:"number"`
	Standard  canon.Digest     `json:"standard"`
	ValidFrom string           `json:"valid_from"` // first day, 2006-01-02
	ValidTo   string           `json:"valid_to"`   // last day, 2006-01-02
}

// Type implements Event.
func (QualificationRegistered) Type() string { return "qualification.registered.v1" }
