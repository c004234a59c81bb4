package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/reading"
)

// OfCase names the application that is read, and says for what.
type OfCase struct {
	Application application.ID  `json:"application"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"the council must say"`
	After       string          `json:"after,omitempty" jsonschema:"the next of the page before"`
}

// Timeline is what happened in one case, in the order in which it did.
type Timeline struct {
	Application application.ID  `json:"application"`
	Entries     []TimelineEntry `json:"entries"`
	Next        string          `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// TimelineEntry is one act in a case.
type TimelineEntry struct {
	At      time.Time `json:"at"`
	Act     string    `json:"act" jsonschema:"as in evidence.submit"`
	Actor   string    `json:"actor"`
	Role    string    `json:"role"`
	What    string    `json:"what" jsonschema:"in words"`
	Audit   string    `json:"audit" jsonschema:"id of the audit row"`
	Records []string  `json:"records" jsonschema:"ids of what was recorded"`
	Sealed  *Sealed   `json:"sealed,omitempty" jsonschema:"place in the log, once it has one"`
}
