package assessment_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// A small standard with the parts that matter: two mandatory competences, a
// catch-all duty that nobody judges, and a recurring competence.
func standard() *catalogue.Standard {
	return &catalogue.Standard{
		Key: "small", Title: "Small",
		Award: catalogue.AwardRule{Required: []string{"mandatory"}, Recurring: []string{"recurring"}},
		Groups: []catalogue.Group{
			{Key: "mandatory", Kind: catalogue.Mandatory, Competences: []catalogue.Competence{
				competence("B.2.1", 2), competence("B.2.2", 1),
				{Code: "D.9", Statements: []catalogue.Statement{{Ordinal: 1, Text: "Other duties as assigned"}}},
			}},
			{Key: "recurring", Kind: catalogue.Recurring, Competences: []catalogue.Competence{competence("B.2.3", 2)}},
		},
	}
}

func competence(code string, statements int) catalogue.Competence {
	c := catalogue.Competence{Code: code}
	for n := range statements {
		c.Statements = append(c.Statements, catalogue.Statement{Ordinal: n + 1, Text: "does it", Assessable: true})
	}
	return c
}

func id(s string) catalogue.IndicatorID {
	parsed, err := catalogue.ParseIndicatorID(s)
	if err != nil {
		panic(err)
	}
	return parsed
}

func ids(ss ...string) []catalogue.IndicatorID {
	var all []catalogue.IndicatorID
	for _, s := range ss {
		all = append(all, id(s))
	}
	return all
}

func shown(s string) assessment.Verdict {
	return assessment.Verdict{Indicator: id(s), Outcome: assessment.Shown}
}

func not(s string) assessment.Verdict {
	return assessment.Verdict{Indicator: id(s), Outcome: assessment.NotYetShown, Reason: "no trace of it"}
}

func in(context string, v assessment.Verdict) assessment.Verdict {
	v.Context = context
	return v
}

// inOrder gives verdicts the positions of the order they stand in.
func inOrder(vs []assessment.Verdict) []assessment.Verdict {
	for i := range vs {
		vs[i].Position = i + 1
	}
	return vs
}

func TestWhenACompetenceIsMet(t *testing.T) {
	c := competence("B.2.1", 2)
	for name, tt := range map[string]struct {
		verdicts []assessment.Verdict
		open     []catalogue.IndicatorID
	}{
		"met when every indicator is shown":           {[]assessment.Verdict{shown("B.2.1/1"), shown("B.2.1/2")}, nil},
		"open before any verdict":                     {nil, ids("B.2.1/1", "B.2.1/2")},
		"the last verdict on an indicator stands":     {[]assessment.Verdict{shown("B.2.1/1"), shown("B.2.1/2"), not("B.2.1/1")}, ids("B.2.1/1")},
		"a later shown heals an earlier not yet":      {[]assessment.Verdict{not("B.2.1/1"), shown("B.2.1/2"), shown("B.2.1/1")}, nil},
		"one indicator does not stand in for another": {[]assessment.Verdict{shown("B.2.1/1"), shown("B.2.1/1")}, ids("B.2.1/2")},
		"another competence's verdicts do not count":  {[]assessment.Verdict{shown("B.2.2/1"), shown("B.2.1/2")}, ids("B.2.1/1")},
	} {
		got := assessment.Weigh(c, inOrder(tt.verdicts))
		want := assessment.Finding{Competence: "B.2.1", Met: tt.open == nil, Open: tt.open}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v, from %v", name, got, want, tt.verdicts)
		}
	}
}

func TestTheOrderOfVerdictsIsTheRecordsNotTheLists(t *testing.T) {
	verdicts := inOrder([]assessment.Verdict{not("B.2.2/1"), shown("B.2.2/1")})
	slices.Reverse(verdicts)
	if f := assessment.Weigh(competence("B.2.2", 1), verdicts); !f.Met {
		t.Errorf("got %+v, want met: the later verdict is shown", f)
	}
}

func TestNothingToShowIsNotMet(t *testing.T) {
	if f := assessment.Weigh(catalogue.Competence{Code: "D.9"}, nil); f.Met {
		t.Error("a competence without assessable indicators counts as met")
	}
}

func TestWhenARecurringCompetenceIsMet(t *testing.T) {
	c := competence("B.2.3", 2)
	both := func(context string) []assessment.Verdict {
		return []assessment.Verdict{in(context, shown("B.2.3/1")), in(context, shown("B.2.3/2"))}
	}
	for name, tt := range map[string]struct {
		contexts int
		blocks   bool
		verdicts []assessment.Verdict
		open     []catalogue.IndicatorID
	}{
		"met when each indicator is seen in one context": {1, true, both("B.2.1"), nil},
		"met over different contexts":                    {1, true, []assessment.Verdict{in("B.2.1", shown("B.2.3/1")), in("B.2.2", shown("B.2.3/2"))}, nil},
		"a verdict without context counts for nothing":   {1, true, []assessment.Verdict{shown("B.2.3/1"), shown("B.2.3/2")}, ids("B.2.3/1", "B.2.3/2")},
		"two contexts where the procedure wants two":     {2, true, append(both("B.2.1"), both("B.2.2")...), nil},
		"the same context twice is one context":          {2, true, append(both("B.2.1"), both("B.2.1")...), ids("B.2.3/1", "B.2.3/2")},
		"a negative in one context holds it open":        {1, true, append(both("B.2.1"), in("B.2.2", not("B.2.3/1"))), ids("B.2.3/1")},
		"unless the procedure says that it does not":     {1, false, append(both("B.2.1"), in("B.2.2", not("B.2.3/1"))), nil},
		"until a later verdict shows it, in any context": {1, true, append(both("B.2.1"), in("B.2.2", not("B.2.3/1")), in("B.2.4", shown("B.2.3/1"))), nil},
		"in a context the last verdict stands":           {1, true, append([]assessment.Verdict{in("B.2.1", not("B.2.3/1"))}, both("B.2.1")...), nil},
	} {
		got := assessment.WeighRecurring(c, inOrder(tt.verdicts), tt.contexts, tt.blocks)
		if got.Met != (tt.open == nil) || !reflect.DeepEqual(got.Open, tt.open) {
			t.Errorf("%s: got %+v, want open %v, from %v", name, got, tt.open, tt.verdicts)
		}
	}
}

func TestWhatARoundAsks(t *testing.T) {
	std, proc := standard(), &procedure.Procedure{Rounds: 3, Recurring: procedure.Recurring{MinContexts: 1}}
	metB1 := []assessment.Verdict{shown("B.2.1/1"), shown("B.2.1/2")}
	for name, tt := range map[string]struct {
		hand     string
		verdicts []assessment.Verdict
		asked    []catalogue.IndicatorID
		offered  []catalogue.IndicatorID
		refused  error
	}{
		"its own indicators, and offers the recurring":  {hand: "B.2.1", asked: ids("B.2.1/1", "B.2.1/2"), offered: ids("B.2.3/1", "B.2.3/2")},
		"only what is not shown yet":                    {hand: "B.2.1", verdicts: []assessment.Verdict{shown("B.2.1/1")}, asked: ids("B.2.1/2"), offered: ids("B.2.3/1", "B.2.3/2")},
		"the open recurring ones when met itself":       {hand: "B.2.1", verdicts: append(metB1, in("B.2.1", shown("B.2.3/2"))), asked: ids("B.2.3/1")},
		"a recurring competence has no slot of its own": {hand: "B.2.3", refused: fault.Invalid},
		"an unknown competence":                         {hand: "B.9", refused: fault.Invalid},
		"a catch-all duty is not assessed":              {hand: "D.9", refused: fault.Invalid},
		"nothing is asked when all is met": {
			hand: "B.2.1", refused: fault.Conflict,
			verdicts: append(metB1, in("B.2.1", shown("B.2.3/1")), in("B.2.1", shown("B.2.3/2"))),
		},
	} {
		standing := assessment.Stand(std, proc, assessment.Facts{Verdicts: inOrder(slices.Clone(tt.verdicts))})
		got, err := assessment.AskAbout(std, tt.hand, standing)
		if tt.refused != nil {
			if !errors.Is(err, tt.refused) {
				t.Errorf("%s: got %+v, %v; want it refused as %v", name, got, err, tt.refused)
			}
			continue
		}
		want := assessment.Ask{Competence: tt.hand, Asked: tt.asked, Offered: tt.offered}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestAReturnStartsACompetenceAnew(t *testing.T) {
	std, proc := standard(), &procedure.Procedure{Rounds: 1, Recurring: procedure.Recurring{MinContexts: 1}}
	facts := assessment.Facts{
		Rounds:   []assessment.Round{{Competence: "B.2.2", Position: 1, Closed: true}},
		Verdicts: []assessment.Verdict{{Indicator: id("B.2.2/1"), Outcome: assessment.Shown, Position: 2}},
	}
	before := assessment.Stand(std, proc, facts).Competences["B.2.2"]
	if !before.Met || before.RoundsLeft != 0 {
		t.Fatalf("before the return: %+v, want met with no round left", before)
	}
	facts.Returns = []assessment.Return{{Competences: []string{"B.2.2"}, Position: 3}}
	after := assessment.Stand(std, proc, facts).Competences["B.2.2"]
	if after.Met || after.RoundsLeft != 1 {
		t.Errorf("after the return: %+v, want open with one round left", after)
	}
}

func TestWhatAVerdictMustSay(t *testing.T) {
	ask := assessment.Ask{Competence: "B.2.1", Asked: ids("B.2.1/1"), Offered: ids("B.2.3/1")}
	for name, tt := range map[string]struct {
		verdict assessment.Verdict
		ok      bool
	}{
		"shown needs no reason":                 {shown("B.2.1/1"), true},
		"not yet shown with its reason":         {not("B.2.1/1"), true},
		"not yet shown without a reason":        {assessment.Verdict{Indicator: id("B.2.1/1"), Outcome: assessment.NotYetShown}, false},
		"a blank reason is none":                {assessment.Verdict{Indicator: id("B.2.1/1"), Outcome: assessment.NotYetShown, Reason: " \n"}, false},
		"an outcome nobody knows":               {assessment.Verdict{Indicator: id("B.2.1/1"), Outcome: "passed"}, false},
		"no outcome at all":                     {assessment.Verdict{Indicator: id("B.2.1/1")}, false},
		"an indicator that is not asked":        {shown("B.2.2/1"), false},
		"a recurring indicator that is offered": {shown("B.2.3/1"), true},
	} {
		if err := tt.verdict.Check(ask); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want accepted %v", name, err, tt.ok)
		} else if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}
