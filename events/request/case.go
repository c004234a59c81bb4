package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

// Case is where one application stands.
type Case struct {
	ApplicationLine
	StandardDigest  canon.Digest     `json:"standard_digest"`
	ProcedureDigest canon.Digest     `json:"procedure_digest"`
	Position        int              `json:"position" jsonschema:"of the latest fact"`
	Competences     []CaseCompetence `json:"competences"`
	Submissions     int              `json:"submissions" jsonschema:"pieces of evidence put forward"`
	Verdicts        int              `json:"verdicts" jsonschema:"given so far, in all rounds"`
	Lacking         []string         `json:"lacking" jsonschema:"what stands between the case and the award, in words"`
	Proposal        *Proposal        `json:"proposal,omitempty"`
	Decisions       []Decision       `json:"decisions,omitempty"`
	Entry           *RegisterEntry   `json:"entry,omitempty"`
}

// CaseCompetence is where one competence of a case stands.
type CaseCompetence struct {
	Code            string          `json:"code"`
	Title           string          `json:"title"`
	Group           string          `json:"group" jsonschema:"mandatory, elective, recurring, essential, optional, duty or ksa"`
	Met             bool            `json:"met"`
	UnderAssessment bool            `json:"under_assessment"`
	RoundsLeft      int             `json:"rounds_left"`
	Indicators      []CaseIndicator `json:"indicators"`
}

// CaseIndicator is where one indicator of a case stands.
type CaseIndicator struct {
	Indicator  catalogue.IndicatorID `json:"indicator"`
	Text       string                `json:"text"`
	Assessable bool                  `json:"assessable"`
	Evidence   int                   `json:"evidence" jsonschema:"pieces of evidence put forward for it"`
	Shown      bool                  `json:"shown"`
	Reason     string                `json:"reason,omitempty" jsonschema:"why not yet, in the assessor's words"`
}

// Proposal is what is, or was last, before the committee.
type Proposal struct {
	Proposal award.ProposalID `json:"proposal"`
	Outcome  award.Outcome    `json:"outcome"`
	DueAt    time.Time        `json:"due_at"`
	At       time.Time        `json:"at"`
}

// Decision is what the committee decided.
type Decision struct {
	Decision   award.DecisionID `json:"decision"`
	Outcome    award.Outcome    `json:"outcome"`
	Member     person.ID        `json:"member"`
	Grounds    string           `json:"grounds"`
	LegalBasis string           `json:"legal_basis"`
	Reasons    []Reason         `json:"reasons,omitempty"`
	Returned   []string         `json:"returned,omitempty"`
	At         time.Time        `json:"at"`
	Challenge  string           `json:"challenge" jsonschema:"to whom and until when it can be challenged"`
	Proof      string           `json:"proof,omitempty" jsonschema:"C2SP tlog-proof that it stands in the log, once sealed"`
}

// Reason is why one indicator counts as not met.
type Reason struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Reason    string                `json:"reason"`
}

// RegisterEntry is an award as it stands in the register.
type RegisterEntry struct {
	Number      string           `json:"number"`
	Type        int              `json:"type" jsonschema:"1 full, 2 partial, 3 initial"`
	Application application.ID   `json:"application"`
	Decision    award.DecisionID `json:"decision"`
	Candidate   person.ID        `json:"candidate"`
	Standard    string           `json:"standard" jsonschema:"designation, or title where the register gave none"`
	ValidFrom   string           `json:"valid_from" jsonschema:"first day"`
	ValidTo     string           `json:"valid_to" jsonschema:"last day"`
	At          time.Time        `json:"at"`
	Proof       string           `json:"proof,omitempty" jsonschema:"C2SP tlog-proof that it stands in the log, once sealed"`
}
