package asyncapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

const inboxChannel = "inbox"

// door describes every endpoint, once for each role that may ask it: each role
// has a subject of its own.
func (d *document) door() error {
	failure := d.failure()
	for _, e := range request.Endpoints() {
		asked, err := d.asked(e)
		if err != nil {
			return err
		}
		replied, err := d.replied(e)
		if err != nil {
			return err
		}
		for _, role := range e.Roles {
			d.endpoint(e, role, asked, replied, failure)
		}
	}
	d.channels = append(d.channels, member{inboxChannel, object{
		{"address", request.Inbox("{uid}") + ".{reply}"},
		{"description", "Where a person receives replies. The client names it as the reply subject of its request."},
		{"parameters", using("uid", "reply")},
		{"messages", d.inbox},
	}})
	return nil
}

// endpoint adds the channel and the operation of one role's subject.
func (d *document) endpoint(e request.Endpoint, role person.Role, asked, replied, failure string) {
	channel := strings.Join([]string{string(role), e.Resource, e.Verb}, ".")
	d.channels = append(d.channels, member{channel, object{
		{"address", request.Subject(role, "{uid}", e.Resource, e.Verb)},
		{"title", e.Resource + "." + e.Verb},
		{"parameters", using("uid")},
		{"messages", object{{asked, ref("components", "messages", asked)}}},
	}})
	operation := object{
		{"action", "receive"},
		{"channel", ref("channels", channel)},
		{"title", e.Resource + "." + e.Verb},
		{"summary", e.Summary},
		{"tags", []any{object{{"name", string(role)}}}},
		{"messages", []any{ref("channels", channel, "messages", asked)}},
		{"reply", object{
			{"channel", ref("channels", inboxChannel)},
			{"messages", []any{
				ref("channels", inboxChannel, "messages", replied),
				ref("channels", inboxChannel, "messages", failure),
			}},
		}},
		{"x-endpoint", e.Name()},
		{"x-roles", roles(e)},
	}
	if e.IsAct() {
		operation = append(operation, member{"x-act", true})
	}
	d.operations = append(d.operations, member{string(role) + "-" + e.Name(), operation})
}

func roles(e request.Endpoint) []any {
	var all []any
	for _, r := range e.Roles {
		all = append(all, string(r))
	}
	return all
}

// asked describes what an endpoint is asked with and returns the message's name.
func (d *document) asked(e request.Endpoint) (string, error) {
	if e.Request == nil {
		return d.raw(e, "request")
	}
	sample, ok := Sample(e.Request)
	if !ok {
		return "", fmt.Errorf("no sample of %T", e.Request)
	}
	payload, err := json.Marshal(sample)
	if err != nil {
		return "", fmt.Errorf("sample of %T: %w", e.Request, err)
	}
	example := object{{"name", "sample"}, {"payload", json.RawMessage(payload)}}
	return d.typed(e.Request, member{"examples", []any{example}}), nil
}

// replied describes what an endpoint answers and returns the message's name.
func (d *document) replied(e request.Endpoint) (string, error) {
	if e.Reply == nil {
		name, err := d.raw(e, "reply")
		d.receive(name)
		return name, err
	}
	name := d.typed(e.Reply)
	d.receive(name)
	return name, nil
}

// failure describes the reply that refuses. micro sets its headers, so that a
// client can tell it from the reply it hoped for without reading the body.
func (d *document) failure() string {
	name := d.typed(request.Failure{}, member{"headers", object{
		{"type", "object"},
		{"required", []any{"Nats-Service-Error", "Nats-Service-Error-Code"}},
		{"properties", object{
			{"Nats-Service-Error", object{{"type", "string"}, {"description", "the message of the failure"}}},
			{"Nats-Service-Error-Code", ref("components", "schemas", "fault.Kind")},
		}},
	}})
	d.receive(name)
	return name
}

// receive puts a message among those that come to an inbox.
func (d *document) receive(name string) {
	for _, m := range d.inbox {
		if m.key == name {
			return
		}
	}
	d.inbox = append(d.inbox, member{name, ref("components", "messages", name)})
}

// typed describes the message that carries v as JSON.
func (d *document) typed(v any, more ...member) string {
	t := reflect.TypeOf(v)
	name := t.String()
	if d.known[name] {
		return name
	}
	d.known[name] = true
	message := object{
		{"name", name},
		{"title", t.Name()},
		{"summary", d.source.doc(t)},
		{"contentType", jsonType},
	}
	message = append(message, more...)
	message = append(message, member{"payload", ref("components", "schemas", name)})
	d.messages = append(d.messages, member{name, message})
	return name
}

// raw describes a message that is bytes as they are. What a Go type says of
// other messages is said here.
func (d *document) raw(e request.Endpoint, way string) (string, error) {
	name := e.Name() + "." + way
	message, ok := raw[name]
	if !ok {
		return "", fmt.Errorf("say what the bytes of %s are", name)
	}
	if !d.known[name] {
		d.known[name] = true
		d.messages = append(d.messages, member{name, append(object{{"name", name}}, message...)})
	}
	return name, nil
}

var raw = map[string]object{
	"blob-put.request": {
		{"title", "Chunk"},
		{"summary", "Bytes of a file as they are. The headers say where they belong; the reply says from where to go on."},
		{"contentType", bytesType},
		{"headers", object{
			{"type", "object"},
			{"required", []any{"Upload-Id", "Upload-Offset"}},
			{"properties", object{
				{"Upload-Id", object{{"type", "string"}, {"description", "the upload of blob.open"}}},
				{"Upload-Offset", object{{"type", "string"}, {"pattern", "^[0-9]+$"}, {"description", "place of the first byte in the file, from 0"}}},
			}},
		}},
		{"payload", bytesOf("at most chunk_bytes of blob.open; less for the last chunk only")},
	},
	"file-read.reply": {
		{"title", "Bytes"},
		{"summary", "Bytes of a file from the offset on. An empty reply is the end of the file."},
		{"contentType", bytesType},
		{"payload", bytesOf("up to 512 KiB")},
	},
	"log-read.reply": {
		{"title", "LogBytes"},
		{"summary", "Bytes of a log's published form (C2SP tlog-tiles) from the offset on. An empty reply is the end of the resource."},
		{"contentType", bytesType},
		{"payload", bytesOf("up to 512 KiB")},
	},
	"casefile-read.reply": {
		{"title", "CaseFileBytes"},
		{"summary", "Bytes of a case file from the offset on. An empty reply is the end of the file."},
		{"contentType", bytesType},
		{"payload", bytesOf("up to 512 KiB")},
	},
}

func bytesOf(description string) object {
	return object{{"type", "string"}, {"format", "binary"}, {"description", description}}
}
