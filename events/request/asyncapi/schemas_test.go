package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/events/request/asyncapi"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/retention"
	"github.com/kutse-dev/kutse/schema/sample"
)

// drafts are the two that the schemas are written for.
var drafts = map[string]*jsonschema.Draft{"draft-07": jsonschema.Draft7, "2020-12": jsonschema.Draft2020}

// compilers have read the document, one in each draft.
var compilers = sync.OnceValues(func() (map[string]*jsonschema.Compiler, error) {
	doc, err := parsed()
	if err != nil {
		return nil, err
	}
	all := map[string]*jsonschema.Compiler{}
	for name, draft := range drafts {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(draft)
		c.AssertFormat()
		if err := c.AddResource("asyncapi.json", doc); err != nil {
			return nil, err
		}
		all[name] = c
	}
	return all, nil
})

var compiling sync.Mutex // a compiler is for one at a time

// compile reads the schema at a place in the document, in both drafts.
func compile(t testing.TB, ref string) map[string]*jsonschema.Schema {
	t.Helper()
	compiling.Lock()
	defer compiling.Unlock()
	all, err := compilers()
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]*jsonschema.Schema{}
	for name, c := range all {
		s, err := c.Compile("asyncapi.json" + ref)
		if err != nil {
			t.Fatalf("%s in %s: %v", ref, name, err)
		}
		schemas[name] = s
	}
	return schemas
}

// check says whether every draft finds body valid; an error where they differ.
func check(t testing.TB, schemas map[string]*jsonschema.Schema, body []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	older, newer := schemas["draft-07"].Validate(v), schemas["2020-12"].Validate(v)
	if (older == nil) != (newer == nil) {
		t.Errorf("draft-07 says %v, 2020-12 says %v of %s", older, newer, body)
	}
	return newer
}

func schemaOf(v any) string { return fmt.Sprintf("#/components/schemas/%T", v) }

func TestEveryRequestHasOneValidSample(t *testing.T) {
	t.Parallel()
	for _, e := range request.Endpoints() {
		if e.Request == nil {
			continue
		}
		sample, ok := asyncapi.Sample(e.Request)
		if !ok {
			t.Errorf("%T has no sample", e.Request)
			continue
		}
		body := encode(t, sample)
		if err := check(t, compile(t, schemaOf(sample)), body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		back, err := decode(sample, body)
		if err != nil || !reflect.DeepEqual(back, sample) {
			t.Errorf("%s is read as %+v, %v", body, back, err)
		}
		if act, ok := sample.(request.Act); ok {
			if err := request.CheckID("id", act.RequestID()); err != nil {
				t.Errorf("%T: %v", sample, err)
			}
		}
	}
}

// The door refuses a word that a request does not have; the schema says so
// before anybody asks.
func TestARequestHasNoOtherWordsAndLacksNone(t *testing.T) {
	t.Parallel()
	for _, sample := range asyncapi.Samples() {
		schemas := compile(t, schemaOf(sample))
		for name, body := range without(t, sample) {
			if err := check(t, schemas, body); err == nil {
				t.Errorf("%T without %s is valid", sample, name)
			}
		}
		body := change(t, sample, func(m map[string]any) { m["unheard_of"] = 1 })
		if err := check(t, schemas, body); err == nil {
			t.Errorf("%s is valid", body)
		}
		if _, err := decode(sample, body); err == nil {
			t.Errorf("%s is read", body)
		}
		body = change(t, sample, func(m map[string]any) { clear(m); m["unheard_of"] = nil })
		if err := check(t, schemas, body); err == nil {
			t.Errorf("%s is valid", body)
		}
	}
}

// without is a request less each of the words that Go always writes.
func without(t *testing.T, sample any) map[string][]byte {
	t.Helper()
	var required map[string]any
	if err := json.Unmarshal(encode(t, reflect.Zero(reflect.TypeOf(sample)).Interface()), &required); err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{}
	for name := range required {
		bodies[name] = change(t, sample, func(m map[string]any) { delete(m, name) })
	}
	return bodies
}

func TestWhatIsRefusedByTypeOrForm(t *testing.T) {
	t.Parallel()
	act := map[string]any{"id": "3f0f6a3e-52a1-4a3c-9d0e-7b1c5e2d8f90"}
	for name, bad := range map[string]struct {
		of    any
		words map[string]any
	}{
		"an id that is no UUID":        {request.ReleaseTask{}, map[string]any{"id": "1", "task": "t"}},
		"an id in upper case":          {request.ReleaseTask{}, map[string]any{"id": "3F0F6A3E-52A1-4A3C-9D0E-7B1C5E2D8F90", "task": "t"}},
		"a number for a text":          {request.TaskEvidencePage{}, map[string]any{"task": 1}},
		"null for a text":              {request.TaskEvidencePage{}, map[string]any{"task": nil}},
		"null for a list":              {request.HandIn{}, with(act, "application", "a", "competences", nil)},
		"an indicator without ordinal": {request.SubmitEvidence{}, with(act, "application", "a", "kind", "text", "indicators", []any{"B.2.3"})},
		"a kind that is none":          {request.SubmitEvidence{}, with(act, "application", "a", "kind", "film", "indicators", []any{"B.2.3/1"})},
		"a digest in upper case":       {request.OpenUpload{}, map[string]any{"size": 1, "sha256": "A" + canon.Sum(nil).String()[1:]}},
		"a fraction of a byte":         {request.OpenUpload{}, map[string]any{"size": 1.5, "sha256": canon.Sum(nil).String()}},
		"a role that is none":          {request.AddPerson{}, with(act, "person", "p", "name", "n", "roles", []any{"king"})},
		"a person with a dot":          {request.AddPerson{}, with(act, "person", "p.q", "name", "n", "roles", []any{"cand"})},
		"a verdict between":            {request.Verdict{}, map[string]any{"indicator": "B.2.3/1", "outcome": "perhaps"}},
		"a list":                       {request.Nothing{}, nil},
	} {
		body := encode(t, bad.words)
		if err := check(t, compile(t, schemaOf(bad.of)), body); err == nil {
			t.Errorf("%s: %s is valid", name, body)
		}
	}
}

func with(m map[string]any, pairs ...any) map[string]any {
	m = maps.Clone(m)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// What is published is valid, and nothing else than the fact that its subject
// promises.
func TestEveryGoldenFactIsValid(t *testing.T) {
	t.Parallel()
	for _, e := range events.All() {
		schemas := compile(t, "#/components/messages/"+e.Type()+"/payload")
		for _, other := range events.All() {
			body, err := os.ReadFile(filepath.Join(root, "events", "testdata", other.Type()+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(t, schemas, body); (err == nil) != (e.Type() == other.Type()) {
				t.Errorf("%s as %s: %v", other.Type(), e.Type(), err)
			}
		}
	}
}

func TestEveryExampleIsAValidMessage(t *testing.T) {
	t.Parallel()
	count := 0
	for name, m := range at(t, document(t), "#/components/messages").(map[string]any) {
		examples, _ := m.(map[string]any)["examples"].([]any)
		for _, e := range examples {
			count++
			body := encode(t, e.(map[string]any)["payload"])
			if err := check(t, compile(t, "#/components/messages/"+name+"/payload"), body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if want := len(asyncapi.Samples()) + len(events.All()); count != want {
		t.Errorf("%d examples, want %d", count, want)
	}
}

// The door answers with what Go writes: full, and with every list empty.
func TestWhatGoWritesIsAValidAnswer(t *testing.T) {
	t.Parallel()
	answers := []any{request.Failure{}}
	for _, e := range request.Endpoints() {
		if e.Reply != nil {
			answers = append(answers, e.Reply)
		}
	}
	for _, zero := range answers {
		schemas := compile(t, schemaOf(zero))
		for _, length := range []int{0, 2} {
			v := reflect.New(reflect.TypeOf(zero)).Elem()
			fill(v, length)
			body := encode(t, v.Interface())
			if err := check(t, schemas, body); err != nil {
				t.Errorf("%T with lists of %d: %v\n%s", zero, length, err, body)
			}
		}
	}
}

func TestEveryKindOfFaultIsAFailure(t *testing.T) {
	t.Parallel()
	schemas := compile(t, schemaOf(request.Failure{}))
	for _, k := range append(fault.Kinds(), "internal") {
		if err := check(t, schemas, encode(t, request.Failure{Kind: k, Message: "no"})); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryValueOfATypeIsInItsSchema(t *testing.T) {
	t.Parallel()
	doc := document(t)
	want := map[string][]any{
		"application.State":        list(application.States()),
		"person.Role":              list(person.Roles()),
		"catalogue.Scheme":         list(catalogue.Schemes()),
		"catalogue.GroupKind":      list(catalogue.GroupKinds()),
		"catalogue.StatementKind":  list(catalogue.StatementKinds()),
		"evidence.Kind":            list([]evidence.Kind{evidence.Text, evidence.Link, evidence.File}),
		"assessment.Outcome":       list([]assessment.Outcome{assessment.Shown, assessment.NotYetShown}),
		"award.Outcome":            list([]award.Outcome{award.Award, award.Refuse, award.Return}),
		"procedure.Class":          list(append(procedure.Classes(), retention.Open)),
		"reading.Purpose":          list(reading.Purposes()),
		"retention.Ground":         list(retention.Grounds()),
		"request.AuditFindingKind": list(request.AuditFindingKinds()),
	}
	for name, values := range want {
		got := at(t, doc, "#/components/schemas/"+name+"/enum").([]any)
		for _, v := range values {
			if !slices.Contains(got, v) || len(got) != len(values) {
				t.Errorf("%s: %v, want %v", name, got, values)
			}
		}
	}
}

func list[S ~string](values []S) []any {
	var all []any
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// A pattern in the schema and the function that reads the type are two tellings
// of one rule.
func TestPatternsAreTheFunctionsThatRead(t *testing.T) {
	t.Parallel()
	read := map[string]func(string) error{
		"person.ID":             func(s string) error { _, err := person.ParseID(s); return err },
		"canon.Salt":            func(s string) error { _, err := canon.ParseSalt(s); return err },
		"sample.Seed":           func(s string) error { return new(sample.Seed).UnmarshalText([]byte(s)) },
		"canon.Digest":          func(s string) error { _, err := canon.ParseDigest(s); return err },
		"catalogue.IndicatorID": func(s string) error { _, err := catalogue.ParseIndicatorID(s); return err },
	}
	digest := canon.Sum(nil).String()
	texts := []string{
		"", "a", "a b", "a.b", "a*", "õ", "a\n", "\na", "A-z_0", digest, digest[1:], digest + "0", "G" + digest[1:],
		"B.2.3/1", "B.2.3/0", "B.2.3/01", "B.2.3/9999", "B.2.3/10000", "B.2.3", "/1", ".B/1", "B 2/1", "B/1/1", "B.2.3/1\n",
	}
	for name, parse := range read {
		schemas := compile(t, "#/components/schemas/"+name)
		for _, s := range texts {
			if got, want := check(t, schemas, encode(t, s)), parse(s); (got == nil) != (want == nil) {
				t.Errorf("%s %q: the schema says %v, Go says %v", name, s, got, want)
			}
		}
	}
}
