package events

import (
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

// About says which application a fact is about. It is embedded in every fact of
// an application.
type About struct {
	Application application.ID     `json:"application"`
	Candidate   person.CandidateID `json:"candidate"`
}

// Key implements Event for every fact of an application.
func (a About) Key() Key { return Key{Candidate: a.Candidate, Application: a.Application} }

// ApplicationOpened says that a candidate applied for a standard version under a
// procedure version. The first fact of every application; it starts the
// workflow (workflows.Certification).
type ApplicationOpened struct {
	About
	Standard  canon.Digest `json:"standard"`
	Procedure canon.Digest `json:"procedure"`
}

// Type implements Event.
func (ApplicationOpened) Type() string { return "application.opened.v1" }

// ApplicationWithdrawn says that the candidate took the application back.
type ApplicationWithdrawn struct{ About }

// Type implements Event.
func (ApplicationWithdrawn) Type() string { return "application.withdrawn.v1" }
