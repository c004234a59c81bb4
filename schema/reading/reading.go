// Package reading says for what one person may read another's data. Every such
// reading is recorded with its purpose, and the person can see it.
//
// Information that is obtained for certification is confidential and disclosed
// only where the law or the person allows it (ISO/IEC 17024:2012, 7.3); the person
// has the right to learn for which purposes it is processed (GDPR Art 15(1)(a)).
package reading

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Purpose is for what somebody reads.
type Purpose string

// The purposes.
const (
	Assessment    Purpose = "assessment"     // judging evidence in a task (ISO/IEC 17024, 9.2)
	Decision      Purpose = "decision"       // deciding on a case (ISO/IEC 17024, 9.4)
	Audit         Purpose = "audit"          // checking that the process was followed (ISO/IEC 17024, 10)
	Challenge     Purpose = "challenge"      // a person's challenge of a decision (ISO/IEC 17024, 9.8; HMS § 71)
	Complaint     Purpose = "complaint"      // a complaint about the process or a holder (ISO/IEC 17024, 9.9)
	Court         Purpose = "court"          // a court or an authority that the law lets ask (ISO/IEC 17024, 7.3)
	AccessRequest Purpose = "access_request" // a person's own request for their data (GDPR Art 15)
)

// Purposes returns every purpose.
func Purposes() []Purpose {
	return []Purpose{Assessment, Decision, Audit, Challenge, Complaint, Court, AccessRequest}
}

// ParsePurpose reads a purpose; Invalid when it is none.
func ParsePurpose(s string) (Purpose, error) {
	if p := Purpose(s); slices.Contains(Purposes(), p) {
		return p, nil
	}
	return "", fault.Invalid.New("%.40q is no purpose of reading; purposes are %v", s, Purposes())
}

// open says which purposes each role may read for, the one that goes without
// saying first. A role that is not here reads nobody's data but its own.
var open = map[person.Role][]Purpose{
	person.Assessor:  {Assessment},
	person.Committee: {Decision, Challenge},
	person.Council:   {Audit, Challenge, Complaint, Court, AccessRequest},
}

// Default is the purpose of a role that says none: an assessor reads to assess,
// the committee to decide. The council reads for many reasons and must say which:
// it has none, nor has a role that reads nobody's data.
func Default(r person.Role) (p Purpose, ok bool) {
	if r == person.Council || len(open[r]) == 0 {
		return "", false
	}
	return open[r][0], true
}

// For is the purpose under which a role reads that said what it said, "" for
// nothing. Invalid when it must say and did not, or said what is no purpose;
// Forbidden when the purpose is not one of that role's.
func For(r person.Role, said Purpose) (Purpose, error) {
	if said == "" {
		if usual, ok := Default(r); ok {
			return usual, nil
		}
		if len(open[r]) == 0 {
			return "", fault.Forbidden.New("the role %s reads nobody's data but its own", r)
		}
		return "", fault.Invalid.New("say for what you read; purposes are %v", open[r])
	}
	p, err := ParsePurpose(string(said))
	if err != nil {
		return "", err
	}
	if !slices.Contains(open[r], p) {
		return "", fault.Forbidden.New("the role %s does not read for %s; it may for %v", r, p, open[r])
	}
	return p, nil
}
