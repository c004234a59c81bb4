package award_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
)

func group(key string, kind catalogue.GroupKind, codes ...string) catalogue.Group {
	g := catalogue.Group{Key: key, Kind: kind}
	for _, code := range codes {
		g.Competences = append(g.Competences, catalogue.Competence{
			Code: code, Statements: []catalogue.Statement{{Ordinal: 1, Text: "does it", Assessable: true}},
		})
	}
	return g
}

var standard = &catalogue.Standard{
	Key: "small", Title: "Small",
	Award: catalogue.AwardRule{
		Required: []string{"mandatory"}, Recurring: []string{"recurring"},
		Elective: []catalogue.Elective{{Group: "elective", AtLeast: 1}},
	},
	Groups: []catalogue.Group{
		group("mandatory", catalogue.Mandatory, "M.1", "M.2"),
		group("elective", catalogue.ElectiveGroup, "E.1", "E.2"),
		group("optional", catalogue.Optional, "O.1"),
		group("recurring", catalogue.Recurring, "R.1"),
	},
}

// standing reads "M.1+ M.2- E.1? E.2x": met, open, under assessment, exhausted.
// What is not named is open with rounds left.
func standing(words string) assessment.Standing {
	s := assessment.Standing{Competences: map[string]assessment.CompetenceStanding{}}
	for _, c := range standard.Competences() {
		cs := assessment.CompetenceStanding{RoundsLeft: 1}
		cs.Open = c.Assessable()
		s.Competences[c.Code] = cs
	}
	for word := range strings.FieldsSeq(words) {
		code, mark := word[:len(word)-1], word[len(word)-1]
		cs := s.Competences[code]
		switch mark {
		case '+':
			cs.Met, cs.Open = true, nil
		case '?':
			cs.UnderAssessment = true
		case 'x':
			cs.RoundsLeft = 0
		}
		s.Competences[code] = cs
	}
	return s
}

func TestWhatIsProposed(t *testing.T) {
	for name, tt := range map[string]struct {
		standing string
		want     award.Outcome
	}{
		"nothing while nothing is shown":                     {"", ""},
		"nothing while a mandatory competence is open":       {"M.1+ E.1+ R.1+", ""},
		"nothing while the recurring one is open":            {"M.1+ M.2+ E.1+", ""},
		"nothing while too few electives are met":            {"M.1+ M.2+ R.1+", ""},
		"the award when all that the rule asks for is met":   {"M.1+ M.2+ E.2+ R.1+", award.Award},
		"an optional competence is never asked for":          {"M.1+ M.2+ E.1+ R.1+ O.1x", award.Award},
		"nothing while any round is with an assessor":        {"M.1+ M.2+ E.1+ R.1+ O.1?", ""},
		"a refusal when a mandatory one can't be shown":      {"M.1+ M.2x E.1+ R.1+", award.Refuse},
		"not while one elective can still be shown":          {"M.1+ M.2+ E.1x R.1+", ""},
		"a refusal when no elective can be shown any more":   {"M.1+ M.2+ E.1x E.2x R.1+", award.Refuse},
		"a refusal when the recurring one can't be shown":    {"M.1+ M.2+ E.1+ R.1x", award.Refuse},
		"not while the last round is still with an assessor": {"M.1+ M.2x E.1? R.1+", ""},
	} {
		if got := award.Propose(standard, standing(tt.standing)); got != tt.want {
			t.Errorf("%s: %q gives %q, want %q", name, tt.standing, got, tt.want)
		}
	}
}

func TestWhatADecisionMustState(t *testing.T) {
	const all, m2open = "M.1+ M.2+ E.1+ R.1+", "M.1+ M.2x E.1+ R.1+"
	proc := &procedure.Procedure{Key: "p", LegalBasis: []string{"KutS § 18(2)"}}
	good := award.Decision{Reviewed: true, Grounds: "Every indicator is shown.", LegalBasis: "KutS § 18(2)"}
	with := func(change func(*award.Decision)) award.Decision {
		d := good
		change(&d)
		return d
	}
	reason := []award.Reason{{Indicator: catalogue.IndicatorID{Competence: "M.2", Ordinal: 1}, Reason: "no plan was put forward"}}
	for name, tt := range map[string]struct {
		standing string
		decision award.Decision
		ok       bool
	}{
		"an award where all is met":                 {all, with(func(d *award.Decision) { d.Outcome = award.Award }), true},
		"an award while something is lacking":       {m2open, with(func(d *award.Decision) { d.Outcome = award.Award }), false},
		"an award nobody reviewed":                  {all, with(func(d *award.Decision) { d.Outcome, d.Reviewed = award.Award, false }), false},
		"an award without grounds":                  {all, with(func(d *award.Decision) { d.Outcome, d.Grounds = award.Award, " " }), false},
		"an award without legal basis":              {all, with(func(d *award.Decision) { d.Outcome, d.LegalBasis = award.Award, "" }), false},
		"a legal basis the procedure does not know": {all, with(func(d *award.Decision) { d.Outcome, d.LegalBasis = award.Award, "my own" }), false},
		"a refusal with a reason per indicator":     {m2open, with(func(d *award.Decision) { d.Outcome, d.Reasons = award.Refuse, reason }), true},
		"a refusal without reasons":                 {m2open, with(func(d *award.Decision) { d.Outcome = award.Refuse }), false},
		"a refusal with an empty reason": {m2open, with(func(d *award.Decision) {
			d.Outcome, d.Reasons = award.Refuse, []award.Reason{{Indicator: reason[0].Indicator}}
		}), false},
		"a refusal with the same reason twice":  {m2open, with(func(d *award.Decision) { d.Outcome, d.Reasons = award.Refuse, append(reason[:1:1], reason[0]) }), false},
		"a refusal while nothing is lacking":    {all, with(func(d *award.Decision) { d.Outcome, d.Reasons = award.Refuse, reason }), false},
		"a return that names a competence":      {all, with(func(d *award.Decision) { d.Outcome, d.Returned = award.Return, []string{"M.1"} }), true},
		"a return that names none":              {all, with(func(d *award.Decision) { d.Outcome = award.Return }), false},
		"a return that names what is not there": {all, with(func(d *award.Decision) { d.Outcome, d.Returned = award.Return, []string{"X"} }), false},
		"an outcome nobody knows":               {all, with(func(d *award.Decision) { d.Outcome = "approve" }), false},
		"no outcome at all":                     {all, good, false},
	} {
		err := tt.decision.Check(standard, proc, standing(tt.standing))
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v, want accepted %v", name, err, tt.ok)
		} else if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}
