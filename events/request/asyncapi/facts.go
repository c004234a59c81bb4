package asyncapi

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/kutse-dev/kutse/events"
)

// facts describes every event: the subject on which it is published, its
// envelope and what is in it.
func (d *document) facts() error {
	for _, e := range events.All() {
		address, tokens, err := address(e)
		if err != nil {
			return err
		}
		d.channels = append(d.channels, member{e.Type(), object{
			{"address", address},
			{"parameters", using(tokens...)},
			{"messages", object{{e.Type(), ref("components", "messages", e.Type())}}},
			{"x-stream", events.Stream},
		}})
		d.operations = append(d.operations, member{"publish-" + strings.ReplaceAll(e.Type(), ".", "-"), object{
			{"action", "send"},
			{"channel", ref("channels", e.Type())},
			{"title", e.Type()},
			{"tags", []any{object{{"name", factTag}}}},
			{"messages", []any{ref("channels", e.Type(), "messages", e.Type())}},
		}})
		message, err := d.fact(e)
		if err != nil {
			return err
		}
		d.messages = append(d.messages, member{e.Type(), message})
	}
	return nil
}

// tokens are the names of what changes in the subjects of each kind of fact.
var tokens = map[string][]string{
	"cand": {"candidate", "application"}, "asr": {"assessor"}, "person": {"person"}, "log": {"year"},
}

// address is the subject of e with names for the tokens that change.
func address(e events.Event) (address string, names []string, err error) {
	address = events.Filter(e)
	kind, _, _ := strings.Cut(strings.TrimPrefix(address, "evt.v1."), ".")
	names, ok := tokens[kind]
	if !ok || strings.Count(address, "*") != len(names) {
		return "", nil, fmt.Errorf("say what the tokens of %s are", address)
	}
	for _, name := range names {
		address = strings.Replace(address, "*", "{"+name+"}", 1)
	}
	return address, names, nil
}

// fact describes the message of e. Its example is the golden wire form.
func (d *document) fact(e events.Event) (object, error) {
	golden, err := os.ReadFile(filepath.Join(d.root, "events", "testdata", e.Type()+".json"))
	if err != nil {
		return nil, fmt.Errorf("example of %s: %w", e.Type(), err)
	}
	t := reflect.TypeOf(e)
	return object{
		{"name", e.Type()},
		{"title", t.Name()},
		{"summary", d.source.doc(t)},
		{"contentType", "application/cloudevents+json"},
		{"headers", object{
			{"type", "object"},
			{"required", []any{"Content-Type", "Nats-Msg-Id"}},
			{"properties", object{
				{"Content-Type", object{{"const", "application/cloudevents+json"}}},
				{"Nats-Msg-Id", object{{"type", "string"}, {"description", "the id of the envelope"}}},
			}},
		}},
		{"examples", []any{object{{"name", "golden"}, {"payload", json.RawMessage(golden)}}}},
		{"payload", object{{"allOf", []any{
			ref("components", "schemas", "events.Envelope"),
			object{{"properties", object{
				{"type", object{{"const", e.Type()}}},
				{"data", ref("components", "schemas", t.String())},
			}}},
		}}}},
	}, nil
}
