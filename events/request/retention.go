package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// OfPerson names a person.
type OfPerson struct {
	Person person.ID `json:"person"`
}

// Retention says until when a person's data is kept, and why.
type Retention struct {
	Person   person.ID       `json:"person"`
	Terms    []RetentionTerm `json:"terms" jsonschema:"the latest first"`
	Holds    []Hold          `json:"holds" jsonschema:"legal holds that stand"`
	Erased   *time.Time      `json:"erased,omitempty" jsonschema:"when the person was erased"`
	Erasable bool            `json:"erasable" jsonschema:"whether the person may be erased now without an order"`
	Why      string          `json:"why,omitempty" jsonschema:"what stands against it, and what to do"`
}

// RetentionTerm is until when one class of a person's data is kept.
type RetentionTerm struct {
	Class       procedure.Class `json:"class"`
	Application application.ID  `json:"application,omitempty"`
	Until       *time.Time      `json:"until,omitempty" jsonschema:"left out while the application is open"`
	Over        bool            `json:"over"`
	Reason      string          `json:"reason"`
	Rule        string          `json:"rule" jsonschema:"what the term follows"`
}

// RetentionPage asks for the people whose terms are over and who are not erased yet.
type RetentionPage struct {
	After string `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most 100"`
}

// RetentionDue are people whose terms are over, in the order of their ids. A page may
// have nobody on it and still say where the next one begins.
type RetentionDue struct {
	People []DuePerson `json:"people"`
	Next   string      `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// DuePerson is one person whose terms are over.
type DuePerson struct {
	Person person.ID       `json:"person"`
	Since  time.Time       `json:"since" jsonschema:"when the last term ended"`
	Class  procedure.Class `json:"class" jsonschema:"whose term ended last"`
	Held   bool            `json:"held" jsonschema:"a legal hold stands against erasing"`
}
