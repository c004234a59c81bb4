package events

import "strings"

// The stream of facts and its subjects. Subjects are made here and nowhere else:
//
//	evt.v1.cand.<candidate>.<application>.<noun>.<what happened>
//	evt.v1.asr.<assessor>.<noun>.<what happened>
//	evt.v1.person.<person>.<noun>.<what happened>
//	evt.v1.log.<year>.<noun>.<what happened>
const (
	Stream         = "EVENTS"
	StreamSubjects = "evt.v1.>"
)

// Subject is where a fact is published.
func Subject(e Event) string {
	k := e.Key()
	if of := whose(e); of != "cand" {
		return "evt.v1." + of + "." + k.Subject() + "." + what(e)
	}
	return "evt.v1.cand." + string(k.Candidate) + "." + string(k.Application) + "." + what(e)
}

// Filter is the subject under which a consumer meets every fact of e's type.
func Filter(e Event) string {
	if of := whose(e); of != "cand" {
		return "evt.v1." + of + ".*." + what(e)
	}
	return "evt.v1.cand.*.*." + what(e)
}

// whose is the token that says what a fact is a fact of. It goes by the type: a
// filter has no values.
func whose(e Event) string {
	switch e.(type) {
	case interface{ ofAssessor() }:
		return "asr"
	case interface{ ofPerson() }:
		return "person"
	case interface{ ofLog() }:
		return "log"
	default:
		return "cand"
	}
}

// what is an event's type without its version: a later version goes where the
// first one went, and whoever listens tells them apart by their type.
func what(e Event) string { return e.Type()[:strings.LastIndex(e.Type(), ".v")] }
