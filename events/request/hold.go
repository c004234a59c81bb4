package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/person"
)

// PlaceHold keeps a person's data from erasure until the hold is lifted.
type PlaceHold struct {
	Acting
	Person    person.ID `json:"person"`
	Ground    string    `json:"ground" jsonschema:"which claim or proceeding needs the data, in words"`
	Reference string    `json:"reference" jsonschema:"of the claim or proceeding"`
}

// LiftHold lifts a legal hold.
type LiftHold struct {
	Acting
	Hold   string `json:"hold" jsonschema:"id that hold.place recorded"`
	Ground string `json:"ground" jsonschema:"why the data is no longer needed, in words"`
}

// HoldPage asks for legal holds, newest first.
type HoldPage struct {
	Person person.ID `json:"person,omitempty" jsonschema:"empty for all"`
	Lifted bool      `json:"lifted,omitempty" jsonschema:"also those that were lifted"`
	After  string    `json:"after,omitempty" jsonschema:"the next of the page before"`
	Limit  int       `json:"limit,omitempty" jsonschema:"at most 100"`
}

// Holds are a page of legal holds.
type Holds struct {
	Holds []Hold `json:"holds"`
	Next  string `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// Hold is a legal hold on a person's data.
type Hold struct {
	Hold      string      `json:"hold"`
	Person    person.ID   `json:"person"`
	Ground    string      `json:"ground,omitempty" jsonschema:"left out once the person is erased"`
	Reference string      `json:"reference,omitempty" jsonschema:"left out once the person is erased"`
	By        person.ID   `json:"by"`
	At        time.Time   `json:"at"`
	Lifted    *LiftedHold `json:"lifted,omitempty" jsonschema:"once it is lifted"`
}

// LiftedHold says how a legal hold ended.
type LiftedHold struct {
	Ground string    `json:"ground,omitempty"`
	By     person.ID `json:"by"`
	At     time.Time `json:"at"`
}
