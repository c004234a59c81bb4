package cli

import (
	"reflect"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

// competence is one with two indicators, both asked, each with evidence, and a
// third that is never judged.
func competence(change func(*request.CaseCompetence)) []request.CaseCompetence {
	c := request.CaseCompetence{Code: "B.2.1", Group: "mandatory", RoundsLeft: 1}
	for i := range 3 {
		c.Indicators = append(c.Indicators, request.CaseIndicator{
			Indicator: catalogue.IndicatorID{Competence: c.Code, Ordinal: i + 1}, Assessable: i < 2, Evidence: 1,
		})
	}
	change(&c)
	return []request.CaseCompetence{c}
}

func TestAllIsWhatCanBeHandedIn(t *testing.T) {
	t.Parallel()
	second := []catalogue.IndicatorID{{Competence: "B.2.1", Ordinal: 2}}
	for name, c := range map[string]struct {
		change  func(*request.CaseCompetence)
		ready   []string
		missing []catalogue.IndicatorID
	}{
		"open, with evidence for all":                    {func(*request.CaseCompetence) {}, []string{"B.2.1"}, nil},
		"not with an indicator that has no evidence":     {func(c *request.CaseCompetence) { c.Indicators[1].Evidence = 0 }, nil, second},
		"an indicator that is shown needs none":          {func(c *request.CaseCompetence) { c.Indicators[1].Shown, c.Indicators[1].Evidence = true, 0 }, []string{"B.2.1"}, nil},
		"an indicator that is not assessed needs none":   {func(c *request.CaseCompetence) { c.Indicators[2].Evidence = 0 }, []string{"B.2.1"}, nil},
		"not when it is met":                             {func(c *request.CaseCompetence) { c.Met = true }, nil, nil},
		"not when it is with an assessor":                {func(c *request.CaseCompetence) { c.UnderAssessment = true }, nil, nil},
		"not when no round is left":                      {func(c *request.CaseCompetence) { c.RoundsLeft = 0 }, nil, nil},
		"not a recurring one, which has no slot":         {func(c *request.CaseCompetence) { c.Group = "recurring" }, nil, nil},
		"not one of which nothing is assessed":           {func(c *request.CaseCompetence) { c.Indicators = c.Indicators[2:] }, nil, nil},
		"not one that has only shown indicators unmet":   {func(c *request.CaseCompetence) { c.Indicators[0].Shown, c.Indicators[1].Shown = true, true }, nil, nil},
		"an elective one as well, if there is something": {func(c *request.CaseCompetence) { c.Group = "elective" }, []string{"B.2.1"}, nil},
	} {
		ready, missing := readyCompetences(competence(c.change))
		if !reflect.DeepEqual(ready, c.ready) || !reflect.DeepEqual(missing, c.missing) {
			t.Errorf("%s: ready %v, missing %v; want %v, %v", name, ready, missing, c.ready, c.missing)
		}
	}
}

func TestNothingToHandInSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if err := nothingToHandIn(nil); fault.Of(err) != fault.Conflict {
		t.Errorf("nothing missing: %v, want conflict", err)
	}
	var missing []catalogue.IndicatorID
	for i := range 10 {
		missing = append(missing, catalogue.IndicatorID{Competence: "A", Ordinal: i + 1})
	}
	want := "no open competence has evidence for all its indicators; there is none for [A/1 A/2 A/3 A/4 A/5 A/6 A/7 A/8] and 2 more"
	if err := nothingToHandIn(missing); fault.Of(err) != fault.Invalid || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
