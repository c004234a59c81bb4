package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// ReadingPage asks who read one's own data, newest first.
type ReadingPage struct {
	After string `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit int    `json:"limit,omitempty" jsonschema:"at most 500"`
}

// ReadingSearch asks for readings of people's data, newest first. What is left out
// narrows nothing.
type ReadingSearch struct {
	Person      person.ID       `json:"person,omitempty" jsonschema:"whose data"`
	Reader      person.ID       `json:"reader,omitempty"`
	Application application.ID  `json:"application,omitempty"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"for which the readings were"`
	After       string          `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit       int             `json:"limit,omitempty" jsonschema:"at most 500"`
}

// Readings are a page of readings.
type Readings struct {
	Rows []Reading `json:"rows"`
	Next string    `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// Reading says who read whose data, when, in which role and for what.
type Reading struct {
	ID          string          `json:"id"`
	At          time.Time       `json:"at"`
	Person      person.ID       `json:"person" jsonschema:"whose data it was"`
	Reader      person.ID       `json:"reader" jsonschema:"opaque id, as in the log"`
	Role        person.Role     `json:"role" jsonschema:"in which the reader read"`
	Purpose     reading.Purpose `json:"purpose"`
	What        string          `json:"what" jsonschema:"what was asked at the door, as in case.evidence"`
	Application application.ID  `json:"application,omitempty"`
}
