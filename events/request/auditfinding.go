package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// AuditFindingKind is what an auditor found (ISO 19011:2018, 3.10).
type AuditFindingKind string

// The kinds.
const (
	Nonconformity AuditFindingKind = "nonconformity" // a requirement was not met
	Observation   AuditFindingKind = "observation"   // worth saying, with every requirement met
)

// AuditFindingKinds returns every kind.
func AuditFindingKinds() []AuditFindingKind { return []AuditFindingKind{Nonconformity, Observation} }

// FileAuditFinding puts what an auditor found in a case into the record.
type FileAuditFinding struct {
	Acting
	Application application.ID   `json:"application"`
	Object      string           `json:"object,omitempty" jsonschema:"id of the record that it is about; empty for the whole case"`
	Kind        AuditFindingKind `json:"kind"`
	Text        string           `json:"text"`
}

// AuditFindingPage asks for audit findings, newest first: with their texts where an
// application is named.
type AuditFindingPage struct {
	Application application.ID  `json:"application,omitempty" jsonschema:"empty for all"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"the council must say where an application is named"`
	After       string          `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit       int             `json:"limit,omitempty" jsonschema:"at most 100"`
}

// AuditFindings are a page of audit findings.
type AuditFindings struct {
	Findings []AuditFinding `json:"findings"`
	Next     string         `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// AuditFinding is what an auditor found in a case.
type AuditFinding struct {
	Finding     string           `json:"finding"`
	Application application.ID   `json:"application"`
	Object      string           `json:"object,omitempty"`
	Kind        AuditFindingKind `json:"kind"`
	Text        string           `json:"text,omitempty" jsonschema:"given where an application is named; left out once the person is erased"`
	By          person.ID        `json:"by"`
	At          time.Time        `json:"at"`
}
