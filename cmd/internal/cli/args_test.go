package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

func TestAReasonKeepsEverythingAfterTheFirstEqualsSign(t *testing.T) {
	t.Parallel()
	var r Reasoned
	if err := r.UnmarshalText([]byte("B.2.3/12=a = b, and more")); err != nil {
		t.Fatal(err)
	}
	want := Reasoned{Indicator: catalogue.IndicatorID{Competence: "B.2.3", Ordinal: 12}, Reason: "a = b, and more"}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
	for _, bad := range []string{"", "B.2.3/1", "B.2.3/1=", "B.2.3/1=  ", "=why", "B.2.3=why", "B.2.3/0=why"} {
		if err := r.UnmarshalText([]byte(bad)); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v, want invalid", bad, err)
		}
	}
}

func TestAScopeIsAStandardAndCompetences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ScopeArg{
		"it-manager-7":             {Standard: "it-manager-7"},
		"it-manager-7:B.2.1":       {Standard: "it-manager-7", Competences: []string{"B.2.1"}},
		"it-manager-7:B.2.1,B.2.3": {Standard: "it-manager-7", Competences: []string{"B.2.1", "B.2.3"}},
	} {
		var got ScopeArg
		if err := got.UnmarshalText([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", ":", "it-manager-7:", ":B.2.1", "it-manager-7:B.2.1,", "it-manager-7:B.2.1:B.2.3", "it-manager-7: B.2.1"} {
		var got ScopeArg
		if err := got.UnmarshalText([]byte(bad)); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: %v, want invalid", bad, err)
		}
	}
}

func TestARoleIsItsWordOrItsShortName(t *testing.T) {
	t.Parallel()
	for _, role := range person.Roles() {
		named := 0
		for word, r := range roleWords {
			var got RoleArg
			if err := got.UnmarshalText([]byte(word)); err != nil || got != RoleArg(r) {
				t.Errorf("%s is read as %q, %v", word, got, err)
			}
			if r == role {
				named++
			}
		}
		var got RoleArg
		if err := got.UnmarshalText([]byte(role)); err != nil || got != RoleArg(role) || named != 1 {
			t.Errorf("%s is read as %q, %v, and has %d words", role, got, err, named)
		}
	}
	var got RoleArg
	if err := got.UnmarshalText([]byte("king")); fault.Of(err) != fault.Invalid {
		t.Errorf("king: %v, want invalid", err)
	}
}

func FuzzScope(f *testing.F) {
	for _, seed := range []string{"it-manager-7", "it-manager-7:B.2.1,B.2.3", ":", "a:,", "a:b:c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s ScopeArg
		if err := s.UnmarshalText([]byte(text)); err != nil {
			if fault.Of(err) != fault.Invalid {
				t.Errorf("%q: %v is not invalid", text, err)
			}
			return
		}
		back := s.Standard
		if s.Competences != nil {
			back += ":" + strings.Join(s.Competences, ",")
		}
		if back != text {
			t.Errorf("%q is read as %+v, which is %q", text, s, back)
		}
	})
}

func FuzzReason(f *testing.F) {
	for _, seed := range []string{"B.2.3/1=why", "B.2.3/1==", "=", "B.2.3/1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r Reasoned
		if err := r.UnmarshalText([]byte(text)); err != nil {
			if fault.Of(err) != fault.Invalid {
				t.Errorf("%q: %v is not invalid", text, err)
			}
			return
		}
		if strings.TrimSpace(r.Reason) == "" || r.Indicator.String()+"="+r.Reason != text {
			t.Errorf("%q is read as %+v", text, r)
		}
	})
}
