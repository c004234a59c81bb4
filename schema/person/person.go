// Package person says who people are to the system: an opaque id and the roles
// they hold. Names and addresses are content, kept under the person's own seal
// and never part of an identity: an id stands in the public log for ever.
package person

import (
	"regexp"

	"github.com/kutse-dev/kutse/schema/fault"
)

// ID is a person, whatever their role. It is opaque: it says nothing about the
// person and may stand in subjects, events, workflow ids and logs.
type ID string

// CandidateID is the person whose competence is in question (taotleja).
type CandidateID ID

// AssessorID is who judges evidence (hindaja).
type AssessorID ID

// System is the actor of what a workflow does by itself. No person can hold this
// id: it does not match what ParseID accepts.
const System ID = "~kutse"

var id = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ParseID reads an id as it stands in a subject. The characters are those that
// can neither widen a subject nor end one of its tokens (reference/nats.md 2.2).
func ParseID(s string) (ID, error) {
	if !id.MatchString(s) {
		return "", fault.Invalid.New("%.80q is not a person's id; ids are 1 to 64 of A-Z, a-z, 0-9, _ and -", s)
	}
	if namesSomebody(s) {
		return "", fault.Invalid.New("this id is an Estonian personal identification code: choose one that says nothing about the person, since ids stand in the public log")
	}
	return ID(s), nil
}

// Role is what a person may be in the process.
type Role string

// The roles, as they stand in the subjects of requests.
const (
	Candidate Role = "cand" // submits evidence, hands in, withdraws
	Assessor  Role = "asr"  // claims tasks, gives verdicts
	Committee Role = "com"  // decides
	Council   Role = "cnl"  // reads the record; decides on no candidate
	Operator  Role = "adm"  // loads standards, procedures and people; judges nothing
)

// Roles returns every role.
func Roles() []Role { return []Role{Candidate, Assessor, Committee, Council, Operator} }

// ParseRole reads a role as it stands in a subject.
func ParseRole(s string) (Role, error) {
	for _, r := range Roles() {
		if string(r) == s {
			return r, nil
		}
	}
	return "", fault.Invalid.New("%.20q is not a role; roles are %v", s, Roles())
}
