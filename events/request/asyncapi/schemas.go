package asyncapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// types makes one schema of every named type of ours that a message carries.
// Each refers to the others by name, as the Go types do: request.Task is
// #/components/schemas/request.Task.
type types struct {
	source  *source
	order   []reflect.Type
	strict  map[reflect.Type]bool // carried by what is said, not only by answers
	schemas map[reflect.Type]*jsonschema.Schema
}

func newTypes(s *source) *types {
	return &types{source: s, strict: map[reflect.Type]bool{}, schemas: map[reflect.Type]*jsonschema.Schema{}}
}

// said takes up a type that people or the record send. nil stands for bytes.
func (ts *types) said(v any) {
	if v != nil {
		ts.collect(reflect.TypeOf(v), true)
	}
}

// answered takes up a type that the door answers with. An empty list in an
// answer may be null, as Go writes a nil slice.
func (ts *types) answered(v any) {
	if v != nil {
		ts.collect(reflect.TypeOf(v), false)
	}
}

func (ts *types) collect(t reflect.Type, strict bool) {
	switch {
	case !ours(t):
		if t.Kind() == reflect.Map {
			ts.collect(t.Key(), strict)
		}
		if k := t.Kind(); k == reflect.Map || k == reflect.Pointer || k == reflect.Slice {
			ts.collect(t.Elem(), strict)
		}
		return
	case slices.Contains(ts.order, t):
		return
	}
	ts.order = append(ts.order, t)
	ts.strict[t] = strict
	if t.Kind() == reflect.Struct && forms[t] == nil {
		ts.collectFields(t, strict)
	}
}

// collectFields looks through embedded structs: on the wire their fields are
// those of the struct around them.
func (ts *types) collectFields(t reflect.Type, strict bool) {
	for f := range fields(t) {
		ts.collect(f.field.Type, strict)
	}
}

func ours(t reflect.Type) bool { return t.Name() != "" && strings.HasPrefix(t.PkgPath(), module) }

// infer makes the schemas of all types that were collected.
func (ts *types) infer() error {
	for _, t := range ts.order {
		s, err := ts.schema(t)
		if err != nil {
			return fmt.Errorf("schema of %s: %w", t, err)
		}
		ts.schemas[t] = s
	}
	return ts.source.err
}

func (ts *types) object() object {
	var o object
	for _, t := range ts.order {
		o = append(o, member{t.String(), ts.schemas[t]})
	}
	return o
}

func (ts *types) schema(t reflect.Type) (*jsonschema.Schema, error) {
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: ts.others(t)})
	if err != nil {
		return nil, err
	}
	if form := forms[t]; form != nil {
		s = form.CloneSchemas()
	}
	s.Description = ts.source.doc(t)
	if t.Kind() == reflect.Struct && forms[t] == nil {
		ts.describe(t, s)
		return s, nil
	}
	ts.enumerate(t, s)
	return s, nil
}

// others are the schemas of what t carries: references, except for structs that
// it embeds.
func (ts *types) others(t reflect.Type) map[reflect.Type]*jsonschema.Schema {
	others := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
		reflect.TypeFor[json.RawMessage](): {},
	}
	for _, o := range ts.order {
		if o != t {
			others[o] = &jsonschema.Schema{Ref: "#/components/schemas/" + o.String()}
		}
	}
	if t.Kind() == reflect.Struct {
		for f := range fields(t) {
			if f.owner != t {
				delete(others, f.owner)
			}
		}
	}
	return others
}

// describe adds to a struct's schema what its fields say in comments, and what
// fieldForms says of them.
func (ts *types) describe(t reflect.Type, s *jsonschema.Schema) {
	if open[t] {
		s.AdditionalProperties = nil
	}
	for f := range fields(t) {
		p := s.Properties[f.name]
		nullable := !ts.strict[t] && slices.Contains(s.Required, f.name) && f.field.Type.Kind() == reflect.Slice
		settle(p, nullable)
		if p.Description == "" {
			p.Description = ts.source.field(f.owner, f.field.Name)
		}
		if form := fieldForms[f.owner.String()+"."+f.field.Name]; form != nil {
			form(p)
		}
		if f.field.Type.Kind() == reflect.Map && ours(f.field.Type.Key()) {
			p.PropertyNames = &jsonschema.Schema{Ref: "#/components/schemas/" + f.field.Type.Key().String()}
		}
		if p.Ref != "" && p.Description != "" {
			// Draft-07 reads nothing beside a reference.
			p.AllOf, p.Ref = []*jsonschema.Schema{{Ref: p.Ref}}, ""
		}
	}
}

// settle takes null away where it was only inferred from Go being able to read
// it: nobody writes it there.
func settle(s *jsonschema.Schema, nullable bool) {
	switch {
	case s.Ref != "":
		s.Types = nil
	case s.Types != nil && nullable:
		s.Types = []string{"array", "null"}
	case s.Types != nil:
		s.Types = slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return t == "null" })
		s.Type, s.Types = s.Types[0], nil
	}
}

// enumerate lists the values of a type that has a fixed set of them.
func (ts *types) enumerate(t reflect.Type, s *jsonschema.Schema) {
	values := ts.source.constants(folder(t), t.Name())
	if t.Kind() != reflect.String || len(values) == 0 || forms[t] != nil {
		return
	}
	values = append(slices.Clone(values), moreValues[t]...)
	for _, v := range values {
		s.Enum = append(s.Enum, v.value)
		if v.comment != "" {
			s.Description += "\n- " + v.value + ": " + v.comment
		}
	}
}
