package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/fault"
)

var update = flag.Bool("update", false, "write the wire form of events that have none in testdata, or another")

func TestEveryTypeIsNamedOnceWithItsVersion(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]+\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*$`)
	seen := map[string]bool{}
	for _, e := range events.All() {
		if !form.MatchString(e.Type()) {
			t.Errorf("%T: type %q is not noun.past_participle.vN", e, e.Type())
		}
		if seen[e.Type()] {
			t.Errorf("%T: the type %q is taken", e, e.Type())
		}
		seen[e.Type()] = true
		if !reflect.ValueOf(e).IsZero() {
			t.Errorf("%s: All returns zero values, not %+v", e.Type(), e)
		}
	}
}

// A published wire form never changes: when this fails, the change is a new
// version, unless the type was never released.
func TestTheWireFormIsGolden(t *testing.T) {
	t.Parallel()
	for _, zero := range events.All() {
		full := filled(zero)
		body := wire(t, full)
		file := filepath.Join("testdata", zero.Type()+".json")
		if *update {
			if err := os.WriteFile(file, body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s: %v; -update writes it", zero.Type(), err)
			continue
		}
		if diff := cmp.Diff(string(golden), string(body)); diff != "" {
			t.Errorf("%s: wire form changed (-golden +now):\n%s", zero.Type(), diff)
		}
		_, back, err := events.Open(golden)
		if err != nil {
			t.Errorf("%s: %v", zero.Type(), err)
			continue
		}
		if diff := cmp.Diff(full, back); diff != "" {
			t.Errorf("%s: read back (-sent +read):\n%s", zero.Type(), diff)
		}
	}
}

// Facts stay in the streams for a year and longer, so what was ever published
// is read also when nothing writes it any more.
func TestEveryWireFormEverPublishedIsStillRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < len(events.All()) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		env, e, err := events.Open(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if want := strings.TrimSuffix(filepath.Base(file), ".json"); env.Type != want || e.Type() != want {
			t.Errorf("%s holds a %s, read as %s", file, env.Type, e.Type())
		}
	}
}

func TestTheEnvelopeSaysWhatAConsumerNeeds(t *testing.T) {
	t.Parallel()
	for _, e := range events.All() {
		env, _, err := events.Open(wire(t, filled(e)))
		if err != nil {
			t.Errorf("%s: %v", e.Type(), err)
			continue
		}
		want := ""
		for _, of := range []string{"some-application", "some-assessor", "some-person", "2026"} {
			if strings.Contains(events.Subject(filled(e)), "."+of+".") {
				want = of
			}
		}
		if env.Subject != want || want == "" || env.ID != id || env.CausationID != cause || !env.Time.Equal(at) || env.Sequence != "0000000007" {
			t.Errorf("%s: %+v", e.Type(), env)
		}
	}
}

func TestAFactWithoutAPlaceHasNoSequence(t *testing.T) {
	t.Parallel()
	env, err := events.Wrap(id, events.ApplicationWithdrawn{}, at.In(time.FixedZone("EET", 7200)), 0, "")
	if err != nil || env.Sequence != "" || env.CausationID != "" || env.Time.Location() != time.UTC {
		t.Errorf("got %+v, %v", env, err)
	}
}

func TestEverySubjectIsMetByItsOwnFilterOnly(t *testing.T) {
	t.Parallel()
	for _, e := range events.All() {
		subject := events.Subject(filled(e))
		if strings.ContainsAny(subject, " *>\t\r\n") || strings.Contains(subject, "..") || strings.HasSuffix(subject, ".") {
			t.Errorf("%s: the subject %q is no literal subject", e.Type(), subject)
		}
		if !matches(events.StreamSubjects, subject) {
			t.Errorf("%s: %q is not among %q", e.Type(), subject, events.StreamSubjects)
		}
		for _, other := range events.All() {
			got, want := matches(events.Filter(other), subject), other.Type() == e.Type()
			if got != want {
				t.Errorf("%q meets the filter of %s: %v, want %v", subject, other.Type(), got, want)
			}
		}
	}
}

// matches is what NATS does with a filter: * is one token, > at the end is one
// or more.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range f {
		if token == ">" {
			return len(s) > i
		}
		if i >= len(s) || token != "*" && token != s[i] {
			return false
		}
	}
	return len(f) == len(s)
}

// A field that holds content would be met here by its word. Whoever needs one
// of these words for something else: first read the package comment.
func TestNoFieldCanHoldAnythingPersonal(t *testing.T) {
	t.Parallel()
	personal := []string{
		"name", "mail", "phone", "address", "birth", "code", "text", "content", "comment", "note",
		"reason", "grounds", "rationale", "feedback", "title", "link", "url", "file", "verdict",
	}
	for _, e := range events.All() {
		var data map[string]any
		env, _, err := events.Open(wire(t, filled(e)))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(env.Data, &data); err != nil {
			t.Fatal(err)
		}
		for _, field := range fields(data) {
			for word := range strings.SplitSeq(strings.ToLower(field), "_") {
				for _, p := range personal {
					if strings.HasPrefix(word, p) {
						t.Errorf("%s: the field %q says %q", e.Type(), field, p)
					}
				}
			}
		}
	}
}

// fields are the names of all fields in v, however deep.
func fields(v any) []string {
	var names []string
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			names = append(append(names, name), fields(value)...)
		}
	case []any:
		for _, value := range v {
			names = append(names, fields(value)...)
		}
	}
	return names
}

func TestWhatIsNoFactOfOursIsInvalid(t *testing.T) {
	t.Parallel()
	var compact bytes.Buffer
	if err := json.Compact(&compact, wire(t, filled(events.EvidenceSubmitted{}))); err != nil {
		t.Fatal(err)
	}
	good := compact.String()
	for name, change := range map[string][2]string{
		"no JSON":           {good, "evidence"},
		"nothing":           {good, ""},
		"another version":   {`"specversion":"1.0"`, `"specversion":"0.3"`},
		"no id":             {`"id":"` + id + `"`, `"id":""`},
		"another source":    {events.Source, "/elsewhere"},
		"an unknown type":   {"evidence.submitted.v1", "evidence.submitted.v9"},
		"an unknown word":   {`"item"`, `"name"`},
		"a broken digest":   {`"digest":"`, `"digest":"zz`},
		"data of one field": {`"data":{`, `"data":"x","rest":{`},
		"no data":           {`"data":{`, `"date":{`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s: nothing changed", name)
		}
		if _, e, err := events.Open([]byte(bad)); !errors.Is(err, fault.Invalid) || e != nil {
			t.Errorf("%s: got %+v, %v; want invalid and no event", name, e, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"specversion":"1.0","id":"x","source":"/kutse/record","type":"task.claimed.v1","data":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		env, e, err := events.Open(body)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v, want invalid", body, err)
			}
			return
		}
		if e == nil || e.Type() != env.Type {
			t.Errorf("%q was read as %+v", body, e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("%+v was read and cannot be written: %v", e, err)
		}
	})
}
