package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline is a standard as a list: each group with the codes of its competences
// and the number of statements in each.
func outline(s *Standard) []string {
	var lines []string
	for _, g := range s.Groups {
		l := fmt.Sprintf("%s (%s):", g.Key, g.Kind)
		for _, k := range g.Competences {
			l += fmt.Sprintf(" %s=%d", k.Code, len(k.Statements))
		}
		lines = append(lines, l)
	}
	return lines
}

// each writes "D.1=1 D.2=1 ..." for competences of one statement.
func each(prefix string, n int) string {
	var l strings.Builder
	for i := range n {
		fmt.Fprintf(&l, " %s.%d=1", prefix, i+1)
	}
	return l.String()
}

func TestTheOutlineOfEachSeed(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"it-project-planner-manager": {
			"technical (essential):" + each("T", 6),
			"occupation-specific (essential):" + each("O", 7),
		},
		"ict-project-manager": {
			"essential-knowledge (essential):" + each("EK", 4),
			"essential-skills (essential):" + each("ES", 16),
			"optional-knowledge (optional):" + each("OK", 28),
			"optional-skills (optional):" + each("OS", 12),
		},
		"king-county-itpm-1": {
			"duties (duty):" + each("D", 17),
			"knowledge-skills (ksa): K=3 S=10",
		},
		"salem-it-project-manager": {
			"duties (duty):" + each("D", 7),
			"extensive-knowledge (ksa): KE=4",
			"general-knowledge (ksa): KG=8",
			"skill (ksa): S=7",
			"ability (ksa): A=9",
		},
		"it-manager-7": {
			"mandatory (mandatory): B.2.1=5 B.2.2=4 B.2.3=4 B.2.4=4 B.2.5=4 B.2.6=4 B.2.7=3 B.2.8=2 B.2.9=2 B.2.10=5 B.2.11=3 B.2.12=3 B.2.13=2 B.2.14=3",
			"recurring (recurring): B.2.15=7",
		},
	}
	for _, seed := range seeds {
		if diff := cmp.Diff(want[seed.key], outline(seed.standard(t))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", seed.file, diff)
		}
	}
}

func byKey(t *testing.T, key string) *Standard {
	t.Helper()
	s, err := ByKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s *Standard, id string) Statement {
	t.Helper()
	parsed, err := ParseIndicatorID(id)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := s.Statement(parsed)
	if !ok {
		t.Fatalf("%s has no %s", s.Key, id)
	}
	return st
}

func TestTheITManager(t *testing.T) {
	t.Parallel()
	s := byKey(t, "it-manager-7")
	type facts struct {
		Designation, Decision, DecisionNo, EQFReference string
		Level, EQF                                      int
		Required, Recurring                             []string
	}
	got := facts{s.Designation, s.DecisionDate, s.DecisionNo, s.EQFReference, s.Level.Value, s.EQFDerived, s.Award.Required, s.Award.Recurring}
	want := facts{"08-10052023-1.1/7k", "2023-05-10", "23", "", 7, 7, []string{"mandatory"}, []string{"recurring"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	refs, texts := map[string]bool{}, map[string]bool{}
	for _, k := range s.Competences() {
		for _, ref := range k.Refs {
			refs[ref] = true
		}
		for _, st := range k.Statements {
			texts[st.Text] = true
		}
		if strings.Contains(k.Title, "e-CF") {
			t.Errorf("%s: title %q still has its reference", k.Code, k.Title)
		}
	}
	if len(refs) != 16 || len(texts) != 52 {
		t.Errorf("%d e-CF codes and %d texts, want 16 and 52", len(refs), len(texts))
	}
	for _, n := range s.Narrative {
		if strings.Contains(n.Text, "MoreHide") || strings.Contains(n.Text, "...") {
			t.Errorf("%s still has marks of the page: %q", n.Heading, n.Text)
		}
	}
	var codes []string
	for _, c := range s.Classifications {
		codes = append(codes, c.System+" "+c.Code)
	}
	if want := []string{"ISCO-08 1", "ISCO-08 13", "ISCO-08 133", "ISCO-08 1330", "ISCED-F 2013 06", "ISCED-F 2013 061", "ISCED-F 2013 0611", "NACE J", "NACE 62"}; !slices.Equal(codes, want) {
		t.Errorf("classifications %v, want %v", codes, want)
	}
}

func TestRepeatedTextsStayApartAndAreFlagged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ key, one, other string }{
		{"it-manager-7", "B.2.2/1", "B.2.3/1"},
		{"it-manager-7", "B.2.2/2", "B.2.3/2"},
		{"it-manager-7", "B.2.2/4", "B.2.3/4"},
		{"salem-it-project-manager", "KE/4", "KG/6"},
	} {
		s := byKey(t, row.key)
		one, other := text(t, s, row.one), text(t, s, row.other)
		if one.Text != other.Text || fmt.Sprint(one.SameTextAs) != "["+row.other+"]" || fmt.Sprint(other.SameTextAs) != "["+row.one+"]" {
			t.Errorf("%s: %s same as %v, %s same as %v; want each to name the other", row.key, row.one, one.SameTextAs, row.other, other.SameTextAs)
		}
	}
	near := "Nearly the same text, a word or two apart, stands at B.2.2/3 and B.2.3/3."
	if s := byKey(t, "it-manager-7"); !slices.Contains(s.Notes, near) {
		t.Errorf("the notes lack %q", near)
	}
}

func TestTitlesOfTheMinnesotaModel(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range byKey(t, "it-project-planner-manager").Competences() {
		got = append(got, k.Title)
	}
	want := []string{
		"IT business analysis", "IT program and IT project management",
		"Technology and business/industry trends and changes/future of IT", "Problem solving",
		"IT business process design and automation", "Project management methodologies",
		"Define IT strategy", "Implement IT strategy", "Analyze IT projects", "Coordinate projects",
		"Provide consultation and technical expertise", "Manage complex reporting/data analytics", "Oversee system administration",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("titles (-want +got):\n%s", diff)
	}
}

func TestRepairsKeepWhatWasRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ key, id, text, raw string }{
		{"it-project-planner-manager", "T.3/1", "Understand the management and organization", "Technology and business/industry trends and changes/future of IT Understand the\nmanagement"},
		{"it-project-planner-manager", "O.3/1", "Understand techniques aimed at verifying what costs the project has incurred, what", "project has\nincurred"},
		{"salem-it-project-manager", "D.1/1", "methods for prioritizing and managing major projects.", "methods for\n- prioritizing"},
	} {
		st := text(t, byKey(t, row.key), row.id)
		if !strings.Contains(st.Text, row.text) || !strings.Contains(st.Raw, row.raw) || len(st.Repairs) == 0 {
			t.Errorf("%s %s: text %q, raw %q, repairs %q; want %q made of %q", row.key, row.id, st.Text, st.Raw, st.Repairs, row.text, row.raw)
		}
	}
}

func TestOtherDutiesAsAssignedAreAskedOfNobody(t *testing.T) {
	t.Parallel()
	s := byKey(t, "king-county-itpm-1")
	for _, g := range s.Groups {
		for _, k := range g.Competences {
			if want := k.Code != "D.17"; len(k.Assessable()) > 0 != want {
				t.Errorf("%s %q: assessable %v, want %v", k.Code, k.Title, !want, want)
			}
		}
	}
	if l := s.Level; l == nil || l.SeriesPosition != 1 || l.SeriesSize != 3 {
		t.Errorf("level %v, want place 1 of 3", l)
	}
}

func TestWhatTheSourcesHedgeIsAdvisory(t *testing.T) {
	t.Parallel()
	want := map[string][]bool{
		"it-project-planner-manager": nil,
		"ict-project-manager":        {true},
		"king-county-itpm-1":         {false, true},
		"salem-it-project-manager":   {false, true},
		"it-manager-7":               {true},
	}
	for key, advisory := range want {
		var got []bool
		for _, p := range byKey(t, key).Prerequisites {
			got = append(got, p.Advisory)
		}
		if !slices.Equal(got, advisory) {
			t.Errorf("%s: prerequisites advisory %v, want %v", key, got, advisory)
		}
	}
}

func TestAnUnknownKeyIsToldTheKnownOnes(t *testing.T) {
	t.Parallel()
	_, err := ByKey("it-manager")
	for _, s := range All() {
		if err == nil || !strings.Contains(err.Error(), s.Key) {
			t.Errorf("error %v does not name %s", err, s.Key)
		}
	}
	if len(All()) != len(seeds) {
		t.Errorf("%d standards, want %d", len(All()), len(seeds))
	}
}
