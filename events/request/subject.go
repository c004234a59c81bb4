package request

import (
	"regexp"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

const prefix = "req.v1"

// Subject is where one person asks one thing.
func Subject(role person.Role, uid person.ID, resource, verb string) string {
	return strings.Join([]string{prefix, string(role), string(uid), resource, verb}, ".")
}

// Listen is where the door hears an endpoint, from every person of one role.
func (e Endpoint) Listen(role person.Role) string {
	return strings.Join([]string{prefix, string(role), "*", e.Resource, e.Verb}, ".")
}

// Inbox is the prefix, without its last dot, of the subjects on which a person
// receives replies. A reply
// subject outside it is refused: the door would otherwise speak, with its own
// rights, wherever a caller points it (reference/nats.md 2.5(1)).
func Inbox(uid person.ID) string { return "_INBOX." + string(uid) }

// word is a resource or a verb: hand-in.
var word = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// Caller reads who asks from the subject of a request. This is the one place
// where a subject becomes an identity, and an error comes with none.
func Caller(subject string) (person.Role, person.ID, error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 6 || tokens[0]+"."+tokens[1] != prefix || !word.MatchString(tokens[4]) || !word.MatchString(tokens[5]) {
		return "", "", fault.Invalid.New("a request goes to req.v1.<role>.<uid>.<resource>.<verb>, not to %.100q", subject)
	}
	role, err := person.ParseRole(tokens[2])
	if err != nil {
		return "", "", err
	}
	uid, err := person.ParseID(tokens[3])
	if err != nil {
		return "", "", err
	}
	return role, uid, nil
}
