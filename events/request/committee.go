package request

import (
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
)

// Cases are those that wait for the committee.
type Cases struct {
	Cases []ApplicationLine `json:"cases"`
}

// Decide is the committee's act on a proposal.
type Decide struct {
	Acting
	Application application.ID   `json:"application"`
	Proposal    award.ProposalID `json:"proposal"`
	Outcome     award.Outcome    `json:"outcome" jsonschema:"award, refuse or return"`
	Reviewed    bool             `json:"reviewed" jsonschema:"confirms having reviewed the whole case"`
	Grounds     string           `json:"grounds"`
	LegalBasis  string           `json:"legal_basis" jsonschema:"one of the procedure's provisions"`
	Reasons     []Reason         `json:"reasons,omitempty" jsonschema:"with a refusal: one per unmet indicator"`
	Returned    []string         `json:"returned,omitempty" jsonschema:"with a return: the competences to assess again"`
}
