package assessment

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// Round is one handing-in of a competence, as far as rules need it.
type Round struct {
	Competence string
	Position   int // place of the handing-in in the application's sequence
	Closed     bool
}

// Return is a committee's act of sending competences back: what was found for
// them before no longer counts, and their rounds are counted anew.
type Return struct {
	Competences []string
	Position    int
}

// Facts are what the rules of assessment look at, in the order of the
// application's sequence.
type Facts struct {
	Rounds   []Round
	Verdicts []Verdict
	Returns  []Return
}

// CompetenceStanding is where one competence stands.
type CompetenceStanding struct {
	Finding
	UnderAssessment bool // a round is with an assessor
	RoundsLeft      int
}

// Standing is where a whole application stands, by competence code.
type Standing struct {
	Competences map[string]CompetenceStanding
	shown       map[catalogue.IndicatorID]bool
}

// Shown says whether indicator id stands at shown.
func (s Standing) Shown(id catalogue.IndicatorID) bool { return s.shown[id] }

// UnderAssessment says whether any round is with an assessor.
func (s Standing) UnderAssessment() bool {
	for _, c := range s.Competences {
		if c.UnderAssessment {
			return true
		}
	}
	return false
}

// Stand works out where every competence of std stands from the facts alone.
func Stand(std *catalogue.Standard, proc *procedure.Procedure, facts Facts) Standing {
	s := Standing{Competences: map[string]CompetenceStanding{}, shown: map[catalogue.IndicatorID]bool{}}
	for _, g := range std.Groups {
		for _, c := range g.Competences {
			cs := stand(c, g.Kind, proc, facts)
			s.Competences[c.Code] = cs
			for _, id := range c.Assessable() {
				s.shown[id] = !slices.Contains(cs.Open, id)
			}
		}
	}
	s.lendRecurringTheirRounds(std)
	return s
}

func stand(c catalogue.Competence, kind catalogue.GroupKind, proc *procedure.Procedure, facts Facts) CompetenceStanding {
	since := lastReturn(c.Code, facts.Returns)
	var verdicts []Verdict
	for _, v := range facts.Verdicts {
		if v.Indicator.Competence == c.Code && v.Position > since {
			verdicts = append(verdicts, v)
		}
	}
	cs := CompetenceStanding{RoundsLeft: proc.Rounds}
	for _, r := range facts.Rounds {
		if r.Competence == c.Code && r.Position > since {
			cs.RoundsLeft--
			cs.UnderAssessment = cs.UnderAssessment || !r.Closed
		}
	}
	if kind == catalogue.Recurring {
		cs.Finding = WeighRecurring(c, verdicts, proc.Recurring.MinContexts, proc.Recurring.NegativeBlocks)
	} else {
		cs.Finding = Weigh(c, verdicts)
	}
	return cs
}

func lastReturn(code string, returns []Return) int {
	since := 0
	for _, r := range returns {
		if slices.Contains(r.Competences, code) {
			since = max(since, r.Position)
		}
	}
	return since
}

// lendRecurringTheirRounds gives each recurring competence the rounds that are
// left to the others: it is judged in theirs.
func (s Standing) lendRecurringTheirRounds(std *catalogue.Standard) {
	left := 0
	recurring := std.Recurring()
	for code, c := range s.Competences {
		if !slices.Contains(recurring, code) {
			left += max(c.RoundsLeft, 0)
		}
	}
	for _, code := range recurring {
		c := s.Competences[code]
		c.RoundsLeft = left
		s.Competences[code] = c
	}
}
