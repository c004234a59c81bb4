package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
)

// AuditPage asks for the audit trail, oldest first.
type AuditPage struct {
	Application application.ID `json:"application,omitempty" jsonschema:"empty for all"`
	After       string         `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit       int            `json:"limit,omitempty" jsonschema:"at most 500"`
}

// Audit is a page of the audit trail.
type Audit struct {
	Rows []AuditRow `json:"rows"`
	Next string     `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// AuditRow says who did what to which record.
type AuditRow struct {
	ID          string         `json:"id"`
	At          time.Time      `json:"at"`
	Actor       string         `json:"actor"`
	Role        string         `json:"role"`
	Act         string         `json:"act"`
	Application application.ID `json:"application,omitempty"`
	Object      string         `json:"object"`
	Position    int            `json:"position"`
	Payload     canon.Digest   `json:"payload"`
}

// OfEntry names a register entry.
type OfEntry struct {
	Number string `json:"number"`
}

// Stats counts the record.
type Stats struct {
	Applications map[application.State]int `json:"applications"`
	Submissions  int                       `json:"submissions"`
	Verdicts     int                       `json:"verdicts"`
	Decisions    int                       `json:"decisions"`
	Entries      int                       `json:"entries"`
	AuditRows    int                       `json:"audit_rows"`
	Events       int                       `json:"events"`
	Unpublished  int                       `json:"unpublished" jsonschema:"facts that JetStream has not acknowledged yet"`
}
