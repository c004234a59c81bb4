package procedure_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
)

const terms = `retention:
  - {class: portfolio_awarded, years: 3, at_most_years: 10, source: s}
  - {class: portfolio_refused, months: 12, source: s}
  - {class: portfolio_withdrawn, months: 6, source: s}
  - {class: holder, months: 12, source: s}
  - {class: staff, years: 10, source: s}
  - {class: readings, years: 5, source: s}
`

// The digest is that of this text before there was a word for retention. When it
// changes, every application that is pinned to such a procedure has lost it.
func TestAProcedureWithoutRetentionKeepsItsDigest(t *testing.T) {
	t.Parallel()
	p, err := procedure.Read([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	const before = "3694c008ea9640c2d304a1764b4348ca24cfaeaa8efa17930d455b123e216daf"
	if got, err := p.Digest(); err != nil || got.String() != before {
		t.Errorf("digest %s, %v; want %s", got, err, before)
	}
	with, err := procedure.Read([]byte(whole + terms))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := with.Digest(); err != nil || got.String() == before {
		t.Errorf("with terms: digest %s, %v; want another", got, err)
	}
}

func TestEveryClassHasATermByDefault(t *testing.T) {
	t.Parallel()
	usual, err := procedure.Default()
	if err != nil {
		t.Fatal(err)
	}
	silent := &procedure.Procedure{}
	for _, c := range procedure.Classes() {
		kept, err := usual.Kept(c)
		if err != nil || kept.Class != c || kept.Years+kept.Months == 0 {
			t.Errorf("%s: %+v, %v", c, kept, err)
		}
		if got, err := silent.Kept(c); err != nil || got != kept {
			t.Errorf("%s of a procedure without terms: %+v, %v; want those of the default", c, got, err)
		}
	}
	if kept, err := usual.Kept("diary"); err == nil {
		t.Errorf("a class that is none is kept for %+v", kept)
	}
}

func TestAProceduresOwnTermsGoBeforeTheDefault(t *testing.T) {
	t.Parallel()
	p, err := procedure.Read([]byte(whole + strings.Replace(terms, "readings, years: 5", "readings, years: 7", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := p.Kept(procedure.Readings); err != nil || kept.Years != 7 {
		t.Errorf("readings are kept for %+v, %v; want 7 years", kept, err)
	}
}

func TestWhatCannotBeTerms(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"a class that is none":                {"class: staff", "class: diary"},
		"a class twice":                       {"class: staff, years: 10", "class: readings, years: 10"},
		"a class forgotten":                   {"  - {class: staff, years: 10, source: s}\n", ""},
		"no term":                             {"staff, years: 10", "staff, years: 0"},
		"a term that went by before it began": {"staff, years: 10", "staff, years: -10"},
		"a term beyond reason":                {"staff, years: 10", "staff, years: 1000"},
		"months where years are counted":      {"staff, years: 10", "staff, months: 120"},
		"years where months are counted":      {"holder, months: 12", "holder, years: 1"},
		"both":                                {"holder, months: 12", "holder, months: 12, years: 1"},
		"no source":                           {"years: 10, source: s", "years: 10"},
		"a bound on another class":            {"staff, years: 10", "staff, years: 10, at_most_years: 12"},
		"less than a cycle of certification":  {"at_most_years: 10", "at_most_years: 4"},
		"no bound":                            {"at_most_years: 10, ", ""},
		"an unknown word":                     {"class: staff", "klass: staff"},
	} {
		bad := strings.Replace(terms, change[0], change[1], 1)
		if bad == terms {
			t.Errorf("%s: nothing changed", name)
		}
		if _, err := procedure.Read([]byte(whole + bad)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}

func TestAnEntryEndsWithItsLastDay(t *testing.T) {
	t.Parallel()
	p := &procedure.Procedure{TimeZone: "Europe/Tallinn"}
	got, err := p.Lapsed("2030-03-26")
	if want := time.Date(2030, 3, 26, 22, 0, 0, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if got, err := p.Lapsed("26.03.2030"); err == nil {
		t.Errorf("26.03.2030 is taken for %s", got)
	}
}
