package events

import "strings"

// The stream of facts and its subjects. Subjects are made here and nowhere else:
//
//	evt.v1.cand.<candidate>.<application>.<noun>.<what happened>
//	evt.v1.asr.<assessor>.<noun>.<what happened>
const (
	Stream         = "EVENTS"
	StreamSubjects = "evt.v1.>"
)

// Subject is where a fact is published.
func Subject(e Event) string {
	name := what(e)
	k := e.Key()
	if k.Assessor != "" {
		return "evt.v1.asr." + string(k.Assessor) + "." + name
	}
	return "evt.v1.cand." + string(k.Candidate) + "." + string(k.Application) + "." + name
}

// Filter is the subject under which a consumer meets every fact of e's type.
func Filter(e Event) string {
	name := what(e)
	if _, own := e.(interface{ ofAssessor() }); own {
		return "evt.v1.asr.*." + name
	}
	return "evt.v1.cand.*.*." + name
}

// what is an event's type without its version: a later version goes where the
// first one went, and whoever listens tells them apart by their type.
func what(e Event) string { return e.Type()[:strings.LastIndex(e.Type(), ".v")] }
