package catalogue

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func variant(t testing.TB, scheme Scheme, file string, opts Options) *Standard {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Import(scheme, file, bytes.NewReader(b), opts)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

func TestAnEstonianStandardWithElectivesPartialsAndSpecialisations(t *testing.T) {
	t.Parallel()
	s := variant(t, EstQF, "estqf_elective.txt", Options{})
	want := &Standard{
		Key: "software-tester-5", Version: "08-01062024-2/5k", Title: "Software tester",
		Designation: "08-01062024-2/5k", ValidFrom: "2024-06-01", ValidTo: "2029-05-31", DecisionDate: "2024-06-01",
		Level: &Level{Framework: "EstQF", Value: 5}, EQFReference: "5", EQFDerived: 5,
		Specialisations: []string{"Web", "Embedded systems"},
		Partials: []Partial{
			{Name: "Junior tester", Level: 4, Competences: []string{"B.2.1", "B.2.3", "B.2.4", "B.2.5"}},
			{Name: "Automation tester", Competences: []string{"B.2.2"}},
		},
		Award: AwardRule{
			Required:  []string{"mandatory"},
			Elective:  []Elective{{Group: "elective", AtLeast: 2}, {Group: "specialisation-web", AtLeast: 1, Specialisation: "Web"}},
			Recurring: []string{"recurring"},
		},
	}
	got := &Standard{
		Key: s.Key, Version: s.Version, Title: s.Title,
		Designation: s.Designation, ValidFrom: s.ValidFrom, ValidTo: s.ValidTo, DecisionDate: s.DecisionDate,
		Level: s.Level, EQFReference: s.EQFReference, EQFDerived: s.EQFDerived,
		Specialisations: s.Specialisations, Partials: s.Partials, Award: s.Award,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	wantOutline := []string{
		"mandatory (mandatory): B.2.1=2 B.2.2=2 B.2.3=1",
		"elective (elective): B.2.4=1 B.2.5=1 B.2.6=1",
		"specialisation-web (elective): B.2.7=1",
		"recurring (recurring): B.2.8=1",
	}
	if diff := cmp.Diff(wantOutline, outline(s)); diff != "" {
		t.Errorf("outline (-want +got):\n%s", diff)
	}
	if k, _, _ := s.Competence("B.2.2"); k.Statements[1].Kind != Knowledge || k.AssessmentMethod != "Practical work." {
		t.Errorf("B.2.2: %+v; want knowledge as its second statement and its assessment method", k)
	}
	if st := text(t, s, "B.2.1/2"); st.Text != "Writes down what was planned." || st.Raw != "Writes down\nwhat was planned." {
		t.Errorf("B.2.1/2: text %q, raw %q; want the two lines joined", st.Text, st.Raw)
	}
	if !slices.Contains(s.Notes, "The register calls this version 2 of the standard.") {
		t.Errorf("notes %q lack the version", s.Notes)
	}
	if n := s.Narrative[1]; n.Text != "Testers find out what software does. They wait... and see." {
		t.Errorf("%s: %q; dots that the page did not put there must stay", n.Heading, n.Text)
	}
}

func TestOtherDocumentsOfEachKind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		scheme       Scheme
		file         string
		key, version string
		outline      []string
		texts        map[string]string
	}{
		{
			ESCO, "esco_short.txt", "baker", "",
			[]string{"essential-skills (essential): ES.1=1 ES.2=1", "essential-knowledge (essential): EK.1=1"},
			map[string]string{"ES.1/1": "Bake bread of many kinds, from dough to loaf."},
		},
		{
			Minnesota, "minnesota_plain.txt", "swine-technician", "2025-11",
			[]string{"technical (essential): T.1=1 T.2=1", "occupation-specific (essential): O.1=1 O.2=1"},
			map[string]string{"T.1/1": "Knowledge of diseases.", "T.2/1": "Understand how disease spreads and how it is kept out.", "O.1/1": "Feeds animals.", "O.2/1": "Ability to care for sows."},
		},
		{
			KingCounty, "class_kingcounty.txt", "king-county-buyer-2", "2021-03-03",
			[]string{"duties (duty): D.1=1 D.2=1", "knowledge-skills (ksa): K=1 S=1 A=1"},
			map[string]string{"D.1/1": "Buys things, and keeps the receipts.", "S/1": "Skills in reading small print"},
		},
		{
			Salem, "class_salem.txt", "salem-parks-gardener", "2020-06",
			[]string{"duties (duty): D.1=1 D.2=1", "knowledge (ksa): K=2", "skill (ksa): S=1"},
			map[string]string{"K/2": "Shrubs in all seasons"},
		},
	} {
		s := variant(t, row.scheme, row.file, Options{})
		if row.version == "" {
			row.version = s.Source.SHA256.String()[:12]
		}
		if s.Key != row.key || s.Version != row.version {
			t.Errorf("%s: key %s, version %s; want %s, %s", row.file, s.Key, s.Version, row.key, row.version)
		}
		if diff := cmp.Diff(row.outline, outline(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.file, diff)
		}
		for id, want := range row.texts {
			if got := text(t, s, id).Text; got != want {
				t.Errorf("%s %s: %q, want %q", row.file, id, got, want)
			}
		}
	}
}

func TestGivenTitlesAndKeysStandBeforeThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	s := variant(t, Minnesota, "minnesota_plain.txt", Options{
		Key: "pigs", Title: "Pig keeper", Titles: []string{"Animal health", "Biosecurity Understand how disease"},
	})
	k := s.Competences()[1]
	got := fmt.Sprint(s.Key, "|", s.Title, "|", k.Title, "|", k.Statements[0].Text)
	if want := "pigs|Pig keeper|Biosecurity Understand how disease|spreads and how it is kept out."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHowManyElectivesAreAsked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text     string
		asked    int
		free     bool
		declared string
	}{
		{"at least two of the elective competences B.2.5-B.2.8", 2, false, "[B.2.5 B.2.6 B.2.7 B.2.8]"},
		{"The occupation comprises 3 elective competences.", 3, false, "[]"},
		{"One of the following elective competences must be chosen: B.2.4 or B.2.5.", 1, false, "[]"},
		{"Elective competences B.2.5 and B.2.6, of which at least one is proven.", 1, false, "[B.2.5 B.2.6]"},
		{"From the elective competences B.2.5-B.2.9 choose four.", 4, false, "[B.2.5 B.2.6 B.2.7 B.2.8 B.2.9]"},
		{"Elective competences B.2.5, B.2.6 are not compulsory.", 0, true, "[B.2.5 B.2.6]"},
		{"There are elective competences.", 0, false, "[]"},
	} {
		e := &estqf{}
		if err := e.structure(block{heading: line{1, "B.1 Structure"}, lines: []line{{2, row.text}}}); err != nil {
			t.Errorf("%q: %v", row.text, err)
			continue
		}
		if got := fmt.Sprint(e.rules.declared[ElectiveGroup]); e.rules.elective != row.asked || e.rules.free != row.free || got != row.declared {
			t.Errorf("%q: %d asked, free %v, declared %s; want %d, %v, %s", row.text, e.rules.elective, e.rules.free, got, row.asked, row.free, row.declared)
		}
	}
}

func TestPartialQualificationsInASentence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`The partial qualification "Helper, EstQF level 3" comprises competences B.2.1 and B.2.2.`: "{Helper 3 [B.2.1 B.2.2]}",
		`Partial occupational qualification Helper consists of competence B.2.1.`:                  "{Helper 0 [B.2.1]}",
		`Partial qualification Helper (EstQF level 4): B.2.1 to B.2.3`:                             "{Helper 4 [B.2.1 B.2.2 B.2.3]}",
	} {
		e := &estqf{}
		if err := e.structure(block{heading: line{1, "B.1 Structure"}, lines: []line{{2, text}}}); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if len(e.Partials) != 1 || fmt.Sprint(e.Partials[0]) != want {
			t.Errorf("%q: %v, want %s", text, e.Partials, want)
		}
	}
}
