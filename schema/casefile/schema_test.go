package casefile_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kutse-dev/kutse/schema/casefile"
)

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(casefile.Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("case.schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("case.schema.json")
})

func validate(t testing.TB, text []byte) error {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestTheSchemaTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	text, err := s.Case.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, text); err != nil {
		t.Error(err)
	}
}

func TestTheSchemaRefusesWhatIsNotRead(t *testing.T) {
	t.Parallel()
	text, err := newSample(t).Case.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"format":1`, `"format":2`},
		{`"format":1`, `"format":1,"more":1`},
		{`"state":"registered"`, `"state":"lost"`},
		{`"outcome":"shown"`, `"outcome":"passed"`},
		{`"indicators":["B.2.3/1"`, `"indicators":["B.2.3"`},
		{`"opened_at":"2026-03-27T08:00:00.123456Z"`, `"opened_at":"2026-03-27T10:00:00.123456+02:00"`},
		{`"type":1`, `"type":4`},
	} {
		changed := bytes.Replace(text, []byte(c[0]), []byte(c[1]), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("%s is not in the sample", c[0])
		}
		if validate(t, changed) == nil {
			t.Errorf("the schema takes %s", c[1])
		}
		if _, err := casefile.ParseCase(changed); err == nil {
			t.Errorf("ParseCase takes %s", c[1])
		}
	}
}

// Each word of the struct is in the schema and the other way around.
func TestTheSchemaHasTheWordsOfTheCase(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(casefile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	top := doc.(map[string]any)
	defs := top["$defs"].(map[string]any)
	for def, v := range map[string]any{
		"": casefile.Case{}, "candidate": casefile.Candidate{}, "version": casefile.Version{}, "evidence": casefile.EvidenceItem{}, "round": casefile.Round{},
		"verdict": casefile.Verdict{}, "finding": casefile.Finding{}, "proposal": casefile.Proposal{}, "decision": casefile.Decision{}, "entry": casefile.Entry{},
		"prior": casefile.Prior{}, "row": casefile.Row{},
	} {
		object := top
		if def != "" {
			object = defs[def].(map[string]any)
		}
		var got, want, wantRequired, gotRequired []string
		for name := range object["properties"].(map[string]any) {
			got = append(got, name)
		}
		for _, name := range object["required"].([]any) {
			gotRequired = append(gotRequired, name.(string))
		}
		for i := range reflect.TypeOf(v).NumField() {
			name, options, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			want = append(want, name)
			if options == "" {
				wantRequired = append(wantRequired, name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		slices.Sort(gotRequired)
		slices.Sort(wantRequired)
		if !slices.Equal(got, want) || !slices.Equal(gotRequired, wantRequired) {
			t.Errorf("%q: the schema has %v, of which %v are required; the struct has %v, of which %v are always written", def, got, gotRequired, want, wantRequired)
		}
	}
}
