package catalogue

import (
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
)

// small is the smallest standard that uses every part of the model.
func small() *Standard {
	st := func(n int, text string) Statement {
		return Statement{Ordinal: n, Text: text, Kind: IndicatorStatement, Assessable: true}
	}
	return &Standard{
		Key: "baker-4", Version: "1", Scheme: EstQF, Title: "Baker",
		Designation: "08-10052023-1.1/4k", DecisionDate: "2023-05-10", ValidFrom: "2023-05-10", ValidTo: "2028-05-09",
		Source: Source{File: "a.txt", SHA256: canon.Sum(nil)},
		Level:  &Level{Framework: "EstQF", Value: 4}, EQFDerived: 4,
		Classifications: []Classification{{System: "ISCO-08", Code: "7512"}},
		Narrative:       []Section{{Heading: "A.1", Text: "Bakes.", Raw: "Bakes. MoreHide", Repairs: []string{"dropped a label"}}},
		Prerequisites:   []Prerequisite{{Text: "None."}},
		Specialisations: []string{"Cakes"},
		Partials:        []Partial{{Name: "Helper", Level: 3, Competences: []string{"B.2.1"}}},
		Award: AwardRule{
			Required: []string{"mandatory"}, Recurring: []string{"recurring"},
			Elective: []Elective{{Group: "elective", AtLeast: 1, Specialisation: "Cakes"}},
		},
		Groups: []Group{
			{Key: "mandatory", Title: "Mandatory", Kind: Mandatory, Competences: []Competence{
				{Code: "B.2.1", Title: "Baking", Level: 4, Refs: []string{"A.1"}, Statements: []Statement{st(1, "Bakes bread."), st(2, "Cleans up.")}},
			}},
			{Key: "elective", Title: "Elective", Kind: ElectiveGroup, Competences: []Competence{
				{Code: "B.2.2", Title: "Cakes", Statements: []Statement{st(1, "Bakes cakes.")}},
			}},
			{Key: "recurring", Title: "Recurring", Kind: Recurring, Competences: []Competence{
				{Code: "B.2.3", Title: "All", Statements: []Statement{st(1, "Works with others.")}},
			}},
		},
		Notes: []string{"A note."},
	}
}

func TestASoundStandardPasses(t *testing.T) {
	t.Parallel()
	if err := small().Check(); err != nil {
		t.Error(err)
	}
}

func TestWhatCheckRefuses(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Standard){
		"key: \"Baker 4\" is not a key":                                      func(s *Standard) { s.Key = "Baker 4" },
		"version: \"\" is not a version":                                     func(s *Standard) { s.Version = "" },
		"scheme: \"other\" is none of":                                       func(s *Standard) { s.Scheme = "other" },
		"title: is missing":                                                  func(s *Standard) { s.Title = "" },
		"title: is more than one line":                                       func(s *Standard) { s.Title = "Ba\nker" },
		"title: begins or ends with white space":                             func(s *Standard) { s.Title = "Baker " },
		"title: is not UTF-8":                                                func(s *Standard) { s.Title = "B\xe4cker" },
		"title: has the character U+202E":                                    func(s *Standard) { s.Title = "B\u202eaker" },
		"source.file: \"x/a.txt\" names a folder":                            func(s *Standard) { s.Source.File = "x/a.txt" },
		"source.sha256: is missing":                                          func(s *Standard) { s.Source.SHA256 = canon.Digest{} },
		"valid_from: \"10.05.2023\" is not a date":                           func(s *Standard) { s.ValidFrom = "10.05.2023" },
		"valid_to: \"2020-01-01\" is before valid_from":                      func(s *Standard) { s.ValidTo = "2020-01-01" },
		"designation: \"8-1\" is not a designation":                          func(s *Standard) { s.Designation = "8-1" },
		"designation: \"08-31022023-1/4k\" is not a designation":             func(s *Standard) { s.Designation = "08-31022023-1/4k" },
		"is of a decision on 2023-05-10, but decision_date is \"\"":          func(s *Standard) { s.DecisionDate = "" },
		"is of level 4, but level.value is not":                              func(s *Standard) { s.Level.Value = 5; s.EQFDerived = 5 },
		"level.value: 9 is no level of EstQF":                                func(s *Standard) { s.Level.Value = 9 },
		"level: is missing":                                                  func(s *Standard) { s.Level = nil },
		"level.series_position: 3 of 2":                                      func(s *Standard) { s.Level.SeriesPosition, s.Level.SeriesSize = 3, 2 },
		"eqf_derived: 5 does not follow from EstQF level 4":                  func(s *Standard) { s.EQFDerived = 5 },
		"narrative[0].raw: is given, but repairs do not say":                 func(s *Standard) { s.Narrative[0].Repairs = nil },
		"narrative[0].repairs: tell of a repair, but raw is missing":         func(s *Standard) { s.Narrative[0].Raw = "" },
		"narrative[0].raw: is the same as text":                              func(s *Standard) { s.Narrative[0].Raw = "Bakes." },
		"groups: are missing":                                                func(s *Standard) { s.Groups = nil },
		"groups: have no statement that can be assessed":                     func(s *Standard) { unassessable(s) },
		"groups[1].key: mandatory is the key of an earlier group too":        func(s *Standard) { s.Groups[1].Key = "mandatory" },
		"groups[0].kind: \"some\" is none of":                                func(s *Standard) { s.Groups[0].Kind = "some" },
		"groups[0].competences: are missing":                                 func(s *Standard) { s.Groups[0].Competences = nil },
		"groups[0].competences[0].code: \"B 2\" is not a code":               func(s *Standard) { s.Groups[0].Competences[0].Code = "B 2" },
		"groups[1].competences[0].code: B.2.1 is the code of an earlier":     func(s *Standard) { s.Groups[1].Competences[0].Code = "B.2.1" },
		"competence B.2.1.level: 9 is not a level":                           func(s *Standard) { s.Groups[0].Competences[0].Level = 9 },
		"competence B.2.1.statements: are missing":                           func(s *Standard) { s.Groups[0].Competences[0].Statements = nil },
		"competence B.2.1.statements[1].ordinal: is 3, want 2":               func(s *Standard) { s.Groups[0].Competences[0].Statements[1].Ordinal = 3 },
		"competence B.2.1.statements[0].kind: \"\" is none of":               func(s *Standard) { s.Groups[0].Competences[0].Statements[0].Kind = "" },
		"competence B.2.1.statements[0].text: is missing":                    func(s *Standard) { s.Groups[0].Competences[0].Statements[0].Text = "" },
		"award: asks for nothing":                                            func(s *Standard) { s.Award = AwardRule{} },
		"award.required[0]: there is no group \"main\"":                      func(s *Standard) { s.Award.Required[0] = "main" },
		"award.required[1]: the group mandatory is named twice":              func(s *Standard) { s.Award.Required = []string{"mandatory", "mandatory"} },
		"award.required[0]: the group elective is of the kind elective":      func(s *Standard) { s.Award.Required[0] = "elective" },
		"award.recurring[0]: the group mandatory is of the kind mandatory":   func(s *Standard) { s.Award.Recurring[0], s.Award.Required = "mandatory", nil },
		"award: leaves out the group recurring":                              func(s *Standard) { s.Award.Recurring = nil },
		"award.elective[0].at_least: 2 of the 1 competences":                 func(s *Standard) { s.Award.Elective[0].AtLeast = 2 },
		"award.elective[0].at_least: 0 of the 1 competences":                 func(s *Standard) { s.Award.Elective[0].AtLeast = 0 },
		"award.elective[0].specialisation: \"Pies\" is not among":            func(s *Standard) { s.Award.Elective[0].Specialisation = "Pies" },
		"partials[0].competences[0]: there is no competence \"B.9\"":         func(s *Standard) { s.Partials[0].Competences[0] = "B.9" },
		"partials[0].competences: name \"B.2.1\" twice":                      func(s *Standard) { s.Partials[0].Competences = []string{"B.2.1", "B.2.1"} },
		"partials[0].competences: are missing":                               func(s *Standard) { s.Partials[0].Competences = nil },
		"partials: name \"Helper\" twice":                                    func(s *Standard) { s.Partials = append(s.Partials, s.Partials[0]) },
		"statement B.2.1/1.same_text_as: is [], but the statements":          func(s *Standard) { s.Groups[1].Competences[0].Statements[0].Text = "Bakes bread." },
		"statement B.2.1/1.same_text_as: is [B.2.2/1], but the statements":   func(s *Standard) { s.Groups[0].Competences[0].Statements[0].SameTextAs = []IndicatorID{{"B.2.2", 1}} },
		"standard \"baker-4\" has 2 problems:\n  title: is missing\n  notes": func(s *Standard) { s.Title, s.Notes = "", []string{""} },
	} {
		s := small()
		spoil(s)
		refused(t, "a standard that should be refused with "+strings.TrimSpace(want), s.Check(), want)
	}
}

func unassessable(s *Standard) {
	for i := range s.Groups {
		for j := range s.Groups[i].Competences {
			for n := range s.Groups[i].Competences[j].Statements {
				s.Groups[i].Competences[j].Statements[n].Assessable = false
			}
		}
	}
}

func TestIndicatorsAreNamedByCompetenceAndNumber(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"B.2.3/1", "K/13", "OS.12/1"} {
		if id, err := ParseIndicatorID(good); err != nil || id.String() != good {
			t.Errorf("%q: got %v, %v", good, id, err)
		}
	}
	for _, bad := range []string{"", "B.2.3", "B.2.3/0", "B.2.3/01", "/1", "B.2.3/1/2", "B 2/1"} {
		if id, err := ParseIndicatorID(bad); err == nil {
			t.Errorf("%q was read as %v", bad, id)
		}
	}
}
