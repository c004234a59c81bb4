// Package request says what may be asked at the door, and how the answers look:
// the words of every request and reply on
//
//	req.v1.<role>.<uid>.<resource>.<verb>
//
// Bodies are JSON. Every act carries an id that the client chose (a UUID); the
// same id again returns the same receipt and changes nothing, the same id with
// other content is a conflict. All times are UTC.
package request

import (
	"regexp"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Act is a request that changes the record.
type Act interface {
	RequestID() string
}

// Acting is the id that every act carries.
type Acting struct {
	ID string `json:"id" jsonschema:"UUID chosen by the client; the same id again returns the same receipt"`
}

// RequestID implements Act.
func (a Acting) RequestID() string { return a.ID }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// CheckID says whether s is a UUID in lower case. what names it in the error.
func CheckID(what, s string) error {
	if !uuid.MatchString(s) {
		return fault.Invalid.New("%s is a UUID in lower case, not %.60q", what, s)
	}
	return nil
}

// Receipt says that an act is in the record: acknowledged means committed.
type Receipt struct {
	Request     string         `json:"request" jsonschema:"the id that the client chose"`
	Record      string         `json:"record" jsonschema:"id of what was recorded"`
	Records     []string       `json:"records,omitempty" jsonschema:"ids of all that was recorded, where one act records several"`
	Application application.ID `json:"application,omitempty"`
	Digest      canon.Digest   `json:"digest" jsonschema:"SHA-256 over the salt and the canonical form of the request: it stands in the log as the payload"`
	Salt        canon.Salt     `json:"salt,omitzero" jsonschema:"what the digest is salted with; whoever has it can recompute the digest"`
	Position    int            `json:"position" jsonschema:"place in the application's sequence, from 1; 0 for an act that stands in none"`
	At          time.Time      `json:"at" jsonschema:"when it was recorded, UTC"`
	Claimed     *ClaimedTask   `json:"claimed,omitempty" jsonschema:"what was claimed, with task.claim"`
}

// Failure is the body of a reply that refuses.
type Failure struct {
	Kind    fault.Kind `json:"kind" jsonschema:"invalid, forbidden, not_found, conflict, unavailable, or internal"`
	Message string     `json:"message"`
}
