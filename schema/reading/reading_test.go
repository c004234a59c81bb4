package reading_test

import (
	"errors"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

func TestEveryPurposeIsReadAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, p := range reading.Purposes() {
		if got, err := reading.ParsePurpose(string(p)); err != nil || got != p {
			t.Errorf("%s is read as %q, %v", p, got, err)
		}
	}
	for _, s := range []string{"", "curiosity", "AUDIT", " audit", "audit\n"} {
		if got, err := reading.ParsePurpose(s); !errors.Is(err, fault.Invalid) || got != "" {
			t.Errorf("%q is read as %q, %v; want invalid", s, got, err)
		}
	}
}

func TestForWhatARoleReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role person.Role
		said reading.Purpose
		want reading.Purpose
		kind fault.Kind
	}{
		"an assessor reads to assess":                      {person.Assessor, "", reading.Assessment, ""},
		"and may say so":                                   {person.Assessor, reading.Assessment, reading.Assessment, ""},
		"but for nothing else":                             {person.Assessor, reading.Audit, "", fault.Forbidden},
		"the committee reads to decide":                    {person.Committee, "", reading.Decision, ""},
		"or on a challenge":                                {person.Committee, reading.Challenge, reading.Challenge, ""},
		"the committee does not audit":                     {person.Committee, reading.Audit, "", fault.Forbidden},
		"the council must say":                             {person.Council, "", "", fault.Invalid},
		"and then reads for that":                          {person.Council, reading.Court, reading.Court, ""},
		"the council does not decide":                      {person.Council, reading.Decision, "", fault.Forbidden},
		"what is no purpose is none for anybody":           {person.Council, "curiosity", "", fault.Invalid},
		"an operator reads nobody's data":                  {person.Operator, "", "", fault.Forbidden},
		"whatever they say":                                {person.Operator, reading.Audit, "", fault.Forbidden},
		"a candidate reads their own, which is no reading": {person.Candidate, "", "", fault.Forbidden},
		"a role that nobody gave reads nothing":            {"", reading.Audit, "", fault.Forbidden},
	} {
		got, err := reading.For(c.role, c.said)
		if got != c.want || fault.Of(err) != c.kind {
			t.Errorf("%s: %q of %q: got %q, %v; want %q, %s", name, c.said, c.role, got, err, c.want, c.kind)
		}
	}
}

func TestOnlyWhoReadsForOneReasonNeedNotSay(t *testing.T) {
	t.Parallel()
	want := map[person.Role]reading.Purpose{person.Assessor: reading.Assessment, person.Committee: reading.Decision}
	for _, r := range person.Roles() {
		got, ok := reading.Default(r)
		if got != want[r] || ok != (want[r] != "") {
			t.Errorf("%s: %q, %v; want %q", r, got, ok, want[r])
		}
	}
}
