package person_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

func TestAnIDIsOpaque(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id string
		ok bool
	}{
		"a word":                            {"mari", true},
		"a UUID":                            {"01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a12", true},
		"eleven digits that are no code":    {"38001085719", true}, // another check digit
		"a date that never was":             {"38002305711", true},
		"a century that is none":            {"98001085718", true},
		"ten digits":                        {"3800108571", true},
		"twelve digits":                     {"380010857180", true},
		"a number of the register":          {"100001", true},
		"a code":                            {"38001085718", false}, // the example of id.ee
		"a code of this century":            {"60001019906", false},
		"a code of the first weights":       {"37605030299", false},
		"a code of the second weights":      {"37605030064", false},
		"a code that neither weighs":        {"37605030920", false},
		"as eIDAS writes it":                {"PNOEE-38001085718", false},
		"with its country":                  {"EE38001085718", false},
		"with its country in small letters": {"ee38001085718", false},
		"with a word before it":             {"candidate_38001085718", false},
		"nothing":                           {"", false},
		"a dot":                             {"a.b", false},
		"too long":                          {strings.Repeat("a", 65), false},
		"the system itself, which no person may be": {string(person.System), false},
	} {
		got, err := person.ParseID(c.id)
		if c.ok && (err != nil || got != person.ID(c.id)) {
			t.Errorf("%s: %q is %q, %v; want it to be an id", name, c.id, got, err)
		}
		if !c.ok && (!errors.Is(err, fault.Invalid) || got != "") {
			t.Errorf("%s: %q is %q, %v; want invalid", name, c.id, got, err)
		}
		if err != nil && len(c.id) == 11 && strings.Contains(err.Error(), c.id) {
			t.Errorf("%s: the refusal repeats the code: %v", name, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("38001085718")
	f.Add("PNOEE-38001085718")
	f.Add("mari_7")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := person.ParseID(s)
		if err != nil && (!errors.Is(err, fault.Invalid) || id != "") {
			t.Errorf("%q: %q, %v", s, id, err)
		}
		if err == nil && (string(id) != s || strings.ContainsAny(s, ". *>\n")) {
			t.Errorf("%q is taken for %q", s, id)
		}
	})
}
