package catalogue

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// changed imports a document of testdata with one thing in place of another.
func changed(t *testing.T, scheme Scheme, file, old, replacement string) *Standard {
	t.Helper()
	b := seed{file: file}.bytes(t)
	if bytes.Count(b, []byte(old)) != 1 {
		t.Fatalf("%s does not have %q once", file, old)
	}
	s, err := Import(scheme, file, bytes.NewReader(bytes.Replace(b, []byte(old), []byte(replacement), 1)), Options{})
	if err != nil {
		t.Fatalf("%s with %q: %v", file, replacement, err)
	}
	return s
}

func TestAConceptInSmallLettersStandsOnItsOwn(t *testing.T) {
	t.Parallel()
	s := changed(t, ESCO, "esco_short.txt", "Flour: Kinds of flour and what they are for.",
		"business processes: Ways of working (BPM)\nquality standards: Requirements for quality.\nASP.NET: Techniques of “software”\nobject-oriented modelling: A paradigm\nthat has classes. See also: objects.")
	var got []string
	for _, k := range s.Groups[1].Competences {
		got = append(got, k.Title+" = "+k.Statements[0].Text)
	}
	want := []string{
		"business processes = Ways of working (BPM)", "quality standards = Requirements for quality.",
		"ASP.NET = Techniques of “software”", "object-oriented modelling = A paradigm that has classes. See also: objects.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("concepts (-want +got):\n%s", diff)
	}
}

func TestALineThatNamesItsKindStandsOnItsOwn(t *testing.T) {
	t.Parallel()
	s := changed(t, KingCounty, "class_kingcounty.txt", "Ability to haggle", "ability to haggle\nbasic knowledge of prices")
	if want, got := "knowledge-skills (ksa): K=2 S=1 A=1", outline(s)[1]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := text(t, s, "K/2"); got.Text != "basic knowledge of prices" || got.Depth != "basic" {
		t.Errorf("K/2: %+v", got)
	}
}

func TestHeadingsInsidePartC(t *testing.T) {
	t.Parallel()
	s := changed(t, EstQF, "estqf_elective.txt", "C General information and Annexes\n",
		"C General information and Annexes\nC.1 Information on the standard\nEstQF level: 5\nC.2 Title in other languages\nTestija\n")
	want := Section{Heading: "C.2 Title in other languages", Text: "Testija"}
	if !slices.ContainsFunc(s.Narrative, func(n Section) bool { return n.Heading == want.Heading && n.Text == want.Text }) {
		t.Errorf("narrative %+v lacks %+v", s.Narrative, want)
	}
	if s.Designation != "08-01062024-2/5k" {
		t.Errorf("designation %q", s.Designation)
	}
}

func TestClassificationsThatRunTogether(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"C MANUFACTURING32.9 Manufacturing n.e.c.32.99 Other manufacturing n.e.c.":  "[{NACE C MANUFACTURING} {NACE 32.9 Manufacturing n.e.c.} {NACE 32.99 Other manufacturing n.e.c.}]",
		"32.9 Manufacturing n.e.c. 32.99 Other manufacturing":                       "[{NACE 32.9 Manufacturing n.e.c.} {NACE 32.99 Other manufacturing}]",
		"62 Computer programming (and consultancy)62.01 Programming, version 2.0.1": "[{NACE 62 Computer programming (and consultancy)} {NACE 62.01 Programming, version 2.0.1}]",
	} {
		e := &estqf{}
		if err := e.classify("NACE", line{1, text}); err != nil || fmt.Sprint(e.Classifications) != want {
			t.Errorf("%q: %v, %v; want %s", text, e.Classifications, err, want)
		}
	}
}

func TestEachDepthHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	s := changed(t, Salem, "class_salem.txt", "Skill in:\n",
		"General knowledge of:\n- Soil\nGood knowledge of:\n- Tools\nConsiderable knowledge of:\n- Pests\nComprehensive knowledge of:\n- Roses\nExtensive knowledge of:\n- Law\nSkill in:\n")
	want := []string{
		"knowledge (ksa): K=2", "general-knowledge (ksa): KG=1", "good-knowledge (ksa): KGO=1", "considerable-knowledge (ksa): KC=1",
		"comprehensive-knowledge (ksa): KCO=1", "extensive-knowledge (ksa): KE=1", "skill (ksa): S=1",
	}
	if diff := cmp.Diff(want, outline(s)[1:]); diff != "" {
		t.Errorf("outline (-want +got):\n%s", diff)
	}
}

func TestATitleOfACompetenceOverTwoLines(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ old, replacement, code, title, refs string }{
		{"\nAutomation\n5", "\nAutomation of tests\nand of their reports\n5", "B.2.2", "Automation of tests and of their reports", "[]"},
		{"B.2.1 Planning of tests (e-CF competence B.3)", "B.2.1 Planning of tests (e-CF\ncompetence B.3)", "B.2.1", "Planning of tests", "[B.3]"},
		{"5 recurring competence\n", "5 recurring\ncompetence\n", "B.2.8", "Software tester, EstQF Level 5 recurring competence", "[]"},
		{"5 recurring competence\n", "5\nrecurring competence\n", "B.2.8", "Software tester, EstQF Level 5 recurring competence", "[]"},
	} {
		s := changed(t, EstQF, "estqf_elective.txt", row.old, row.replacement)
		k, _, _ := s.Competence(row.code)
		if k.Title != row.title || fmt.Sprint(k.Refs) != row.refs || k.Level != 5 {
			t.Errorf("%s: title %q, refs %v, level %d; want %q, %s, 5", row.code, k.Title, k.Refs, k.Level, row.title, row.refs)
		}
		if !slices.ContainsFunc(s.Notes, func(n string) bool { return strings.HasPrefix(n, "The title of "+row.code+" stands on lines ") }) {
			t.Errorf("%s: notes %q do not tell of the joined title", row.code, s.Notes)
		}
	}
}
