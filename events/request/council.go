package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// AuditPage asks for the audit trail, oldest first. What is left out narrows nothing.
type AuditPage struct {
	Application application.ID  `json:"application,omitempty"`
	Candidate   person.ID       `json:"candidate,omitempty" jsonschema:"whom the acts are about"`
	Actor       person.ID       `json:"actor,omitempty" jsonschema:"who acted: an assessor, a member, anybody"`
	Standard    string          `json:"standard,omitempty" jsonschema:"key"`
	Act         string          `json:"act,omitempty" jsonschema:"as in evidence.submit"`
	From        *time.Time      `json:"from,omitempty" jsonschema:"first moment"`
	To          *time.Time      `json:"to,omitempty" jsonschema:"first moment after"`
	Newest      bool            `json:"newest,omitempty" jsonschema:"newest first"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"the council must say where a candidate or an application is named"`
	After       string          `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit       int             `json:"limit,omitempty" jsonschema:"at most 500"`
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
	Candidate   person.ID      `json:"candidate,omitempty" jsonschema:"whom the act is about"`
	Standard    string         `json:"standard,omitempty" jsonschema:"key"`
	Request     string         `json:"request,omitempty" jsonschema:"id that the asker chose"`
	Object      string         `json:"object"`
	Position    int            `json:"position"`
	Payload     canon.Digest   `json:"payload" jsonschema:"salted digest of the request"`
	Sealed      *Sealed        `json:"sealed,omitempty" jsonschema:"place in the log, once it has one"`
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
	Unsealed     int                       `json:"unsealed" jsonschema:"audit rows that have no place in the log yet"`
}
