package events

import (
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/retention"
)

// PersonErased says that a person's key was destroyed, and with it all that was
// sealed under it: names, texts, evidence, files and salts. Whoever keeps a copy of
// something of theirs removes it. The facts about them stay, under an opaque id.
type PersonErased struct {
	Person person.ID        `json:"person"`
	Ground retention.Ground `json:"ground"`
}

// Type implements Event.
func (PersonErased) Type() string { return "person.erased.v1" }

// Key implements Event.
func (p PersonErased) Key() Key { return Key{Person: p.Person} }

func (PersonErased) ofPerson() {}
