package asyncapi

import (
	"iter"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/retention"
	"github.com/kutse-dev/kutse/schema/sample"
)

// forms are the types whose text has a form that Go's type does not show. The
// tests hold each pattern to the function that reads the type.
var forms = map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[canon.Digest]():          {Type: "string", Pattern: "^[0-9a-f]{64}$"},
	reflect.TypeFor[canon.Salt]():            {Type: "string", Pattern: "^[0-9a-f]{64}$"},
	reflect.TypeFor[sample.Seed]():           {Type: "string", Pattern: "^[0-9a-f]{64}$"},
	reflect.TypeFor[catalogue.IndicatorID](): {Type: "string", Pattern: "^[A-Za-z0-9][A-Za-z0-9.-]{0,31}/[1-9][0-9]{0,3}$"},
	reflect.TypeFor[person.ID]():             {Type: "string", Pattern: personPattern},
	reflect.TypeFor[person.CandidateID]():    {Type: "string", Pattern: personPattern},
	reflect.TypeFor[person.AssessorID]():     {Type: "string", Pattern: personPattern},
}

const (
	personPattern = "^[A-Za-z0-9_-]{1,64}$"
	uuidPattern   = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
)

// fieldForms are the fields whose text has a form, by the struct that declares
// them.
var fieldForms = map[string]func(*jsonschema.Schema){
	"request.Acting.ID":                        func(s *jsonschema.Schema) { s.Pattern, s.Format = uuidPattern, "uuid" },
	"request.RegisterEntry.ValidFrom":          date,
	"request.RegisterEntry.ValidTo":            date,
	"events.QualificationRegistered.ValidFrom": date,
	"events.QualificationRegistered.ValidTo":   date,
	"events.Envelope.SpecVersion":              always("1.0"),
	"events.Envelope.ID":                       func(s *jsonschema.Schema) { s.Format = "uuid" },
	"events.Envelope.Source":                   always(events.Source),
	"events.Envelope.DataContentType":          always(jsonType),
	"events.Envelope.Sequence":                 func(s *jsonschema.Schema) { s.Pattern = "^[0-9]{10}$" },
}

func date(s *jsonschema.Schema) { s.Format = "date" }

func always(v any) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) { s.Const = &v }
}

// moreValues are values that no constant of the type names.
var moreValues = map[reflect.Type][]constant{
	reflect.TypeFor[fault.Kind]():      {{value: "internal", comment: "something broke here; the message has a reference number"}},
	reflect.TypeFor[procedure.Class](): {{value: string(retention.Open), comment: "what an open application needs; it has no term"}},
}

// open are the structs that may carry more than their fields: CloudEvents allows
// extensions.
var open = map[reflect.Type]bool{reflect.TypeFor[events.Envelope](): true}

// jsonField is one field as it stands on the wire.
type jsonField struct {
	owner reflect.Type // the struct that declares it, which t may embed
	field reflect.StructField
	name  string
}

// fields are the fields of t on the wire, those of embedded structs in place.
func fields(t reflect.Type) iter.Seq[jsonField] {
	return func(yield func(jsonField) bool) { visit(t, yield) }
}

func visit(t reflect.Type, yield func(jsonField) bool) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if !visit(f.Type, yield) {
				return false
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if f.IsExported() && name != "-" && !yield(jsonField{t, f, name}) {
			return false
		}
	}
	return true
}
