package local_test

import (
	"reflect"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
)

// field is a place for text in a request.
type field struct {
	endpoint request.Endpoint
	path     string // person-add.Name
	index    []step
}

// step goes from a value to a field of it, or to the one element of its list.
type step struct {
	field   int
	element bool
}

// last is the name of the field itself: Name.
func (f field) last() string { return f.path[strings.LastIndexByte(f.path, '.')+1:] }

// with is the request that is empty but for text in this field, and for a good id
// where it is an act.
func (f field) with(text string) any {
	q := reflect.New(reflect.TypeOf(f.endpoint.Request)).Elem()
	if f.endpoint.IsAct() {
		q.FieldByName("ID").SetString(newID())
	}
	v := q
	for _, s := range f.index {
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		if s.element {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			v = v.Index(0)
			continue
		}
		v = v.Field(s.field)
	}
	v.SetString(text)
	return q.Interface()
}

// fields walks every request of the door.
func fields() []field {
	var all []field
	for _, e := range request.Endpoints() {
		if e.Request != nil {
			walk(field{endpoint: e, path: e.Name()}, reflect.TypeOf(e.Request), &all)
		}
	}
	return all
}

func walk(at field, t reflect.Type, all *[]field) {
	switch t.Kind() {
	case reflect.Pointer:
		walk(at, t.Elem(), all)
	case reflect.Slice:
		at.path += "[]"
		at.index = append(at.index[:len(at.index):len(at.index)], step{element: true})
		walk(at, t.Elem(), all)
	case reflect.String:
		*all = append(*all, at)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				continue
			}
			next := at
			if !f.Anonymous {
				next.path += "." + f.Name
			}
			next.index = append(at.index[:len(at.index):len(at.index)], step{field: i})
			walk(next, f.Type, all)
		}
	default: // holds no text
	}
}

// free are the places where a person writes what they like. The test plants a text
// in each, in a request that is accepted.
var free = map[string]bool{
	"person-add.Name": true, "person-add.Contact": true,
	"evidence-submit.Text": true, "evidence-submit.Link": true,
	"verdict-give.Verdicts[].Reason": true,
	"decision-make.Grounds":          true, "decision-make.Reasons[].Reason": true,
	"audit-finding-file.Text": true,
	"hold-place.Ground":       true, "hold-place.Reference": true, "hold-lift.Ground": true,
	"person-erase.Reference": true,
	"sample-commit.Title":    true,
}

// coded are fields that take no text of a person, and why: each is refused, or finds
// nothing, when it holds one.
var coded = map[string]string{
	"ID": "a UUID", "Application": "a UUID", "Task": "a UUID", "Item": "a UUID", "Hold": "a UUID", "Sample": "a UUID",
	"Prior": "a UUID", "Proposal": "the one that is before the committee", "Object": "the id of a record",
	"Person": "an opaque id", "Candidate": "an opaque id", "Actor": "an opaque id", "Reader": "an opaque id",
	"Standard": "the key of one that is loaded", "Procedure": "the key of one that is loaded",
	"Competence": "a code of the standard", "Competences[]": "codes of the standard", "Returned[]": "codes of the standard",
	"Kind": "one of a list", "Outcome": "one of a list", "Roles[]": "one of a list", "Purpose": "one of a list",
	"LegalBasis": "a provision of the procedure", "Ground": "one of a list", // of an erasure; elsewhere it is free
	"After": "a place in a list", "Act": "is looked for", "Number": "is looked for", "Record": "is looked for", "Path": "is looked for",
	"Upload": "made of digest and size", "YAML": "a standard or a procedure: a document of the public, about nobody",
}
