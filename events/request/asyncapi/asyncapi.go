// Package asyncapi describes the door and the facts in AsyncAPI 3.0.0: what may
// be asked on which subject by whom, what comes back, and what is published.
//
// The document is made from the Go types and their comments, never written by
// hand, so it cannot promise what the code does not do. events/asyncapi.yaml is
// the document as it was last made; a test fails when the code has moved on.
//
// Its schemas keep to what JSON Schema draft-07 and 2020-12 have in common:
// AsyncAPI 3.0 reads schemas as a superset of draft-07, and most validators as
// 2020-12. Both then say the same of a message.
package asyncapi

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

//go:generate go test . -run TestTheDocumentIsWhatTheCodeSays -update

// File is where the document is kept, below the root of the module.
var File = filepath.Join("events", "asyncapi.yaml")

// Document makes the document. root is the folder of the module: comments and
// constants are read from its source.
func Document(root string) ([]byte, error) {
	d := &document{root: root, source: newSource(root), known: map[string]bool{}}
	steps := []func() error{d.declare, d.door, d.facts}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("describing the door: %w", err)
		}
	}
	return d.write()
}

// document is what has been described so far, each part in the order in which
// it will stand in the file.
type document struct {
	root   string
	source *source
	types  *types

	channels   object
	operations object
	messages   object
	inbox      object          // messages of the reply channel
	known      map[string]bool // messages that were described already
}

// declare makes a schema of every type that a message can carry. What people or
// the record say comes first: a list in it is never null.
func (d *document) declare() error {
	d.types = newTypes(d.source)
	for _, e := range request.Endpoints() {
		d.types.said(e.Request)
	}
	d.types.said(events.Envelope{})
	for _, e := range events.All() {
		d.types.said(e)
	}
	for _, e := range request.Endpoints() {
		d.types.answered(e.Reply)
	}
	d.types.answered(request.Failure{})
	return d.types.infer()
}

func (d *document) write() ([]byte, error) {
	return marshal(object{
		{"asyncapi", "3.0.0"},
		{"info", object{
			{"title", "kutse"},
			{"version", "1.0.0"},
			{"description", about},
			{"tags", d.tags()},
		}},
		{"defaultContentType", jsonType},
		{"servers", servers},
		{"channels", d.channels},
		{"operations", d.operations},
		{"components", object{
			{"parameters", parameters},
			{"messages", d.messages},
			{"schemas", d.types.object()},
		}},
	})
}

// tags are one for each role, and one for the facts.
func (d *document) tags() []any {
	var tags []any
	for _, c := range d.source.constants("schema/person", "Role") {
		if slices.Contains(person.Roles(), person.Role(c.value)) {
			tags = append(tags, object{{"name", c.value}, {"description", c.name + ": " + c.comment}})
		}
	}
	return append(tags, object{{"name", factTag}, {"description", "what kutse publishes"}})
}

const (
	jsonType  = "application/json"
	bytesType = "application/octet-stream"
	factTag   = "facts"
)

var about = strings.Join([]string{
	"The door of kutse and the facts that leave it.",
	"A request goes to req.v1.<role>.<uid>.<resource>.<verb>; the subject says who asks, and NATS lets nobody publish under another's uid. " +
		"The reply comes to the asker's own inbox, _INBOX.<uid>.>; a request with a reply subject anywhere else gets no answer.",
	"Bodies are JSON in UTF-8, one object; an empty body stands for {}. A word that a request does not have is refused. All times are UTC.",
	"An operation with x-act changes the record. It carries an id that the client chose: the same id again returns the same receipt and changes nothing, " +
		"the same id with other content is a conflict. A receipt means that the act is committed. x-roles says who may ask.",
	"A refusal carries the header Nats-Service-Error-Code, and a Failure as body. The schemas say what can be read; what the rules of the procedure refuse beyond that, the Failure says in words.",
	"Facts are CloudEvents 1.0 in structured JSON in the JetStream stream " + events.Stream + ", at least once: tell them apart by their id. " +
		"The facts of one application are published in the order of sequence.",
	"Generated from Go by github.com/kutse-dev/kutse/events/request/asyncapi; do not edit.",
}, "\n\n")

var servers = object{
	{"nats", object{
		{"host", "{host}:{port}"},
		{"protocol", "nats"},
		{"description", "NATS with JetStream. A person connects with an inbox prefix of their own, _INBOX.<uid>."},
		{"variables", object{
			{"host", object{{"default", "localhost"}}},
			{"port", object{{"default", "4222"}}},
		}},
	}},
}

// parameters are the changing tokens of subjects.
var parameters = object{
	{"uid", object{{"description", "who asks: 1 to 64 of A-Z, a-z, 0-9, _ and -"}}},
	{"reply", object{{"description", "one token or more that the client chose for this reply"}}},
	{"candidate", object{{"description", "whose application it is"}}},
	{"application", object{{"description", "the application that the fact is about"}}},
	{"assessor", object{{"description", "whose own fact it is"}}},
	{"person", object{{"description", "whose fact it is"}}},
	{"year", object{{"description", "of the log, four digits"}}},
}

// using refers to the parameters of a subject by their names.
func using(names ...string) object {
	var o object
	for _, name := range names {
		o = append(o, member{name, ref("components", "parameters", name)})
	}
	return o
}

// ref points to a place in the document.
func ref(path ...string) object {
	return object{{"$ref", "#/" + strings.Join(path, "/")}}
}
