package assessment

import "github.com/kutse-dev/kutse/schema/catalogue"

// Finding is what the verdicts on one competence amount to. It proposes; the
// awarding body's committee decides. The zero Finding is not met.
type Finding struct {
	Competence string
	Met        bool
	Open       []catalogue.IndicatorID // not shown so far
}

// Weigh says what the verdicts so far amount to for a competence with a slot of
// its own. A competence is met when each of its assessable indicators is shown;
// the last verdict on an indicator stands. (domain.md 3.4: no percentage exists
// in general; default of the policy table, competence.rule.)
func Weigh(c catalogue.Competence, verdicts []Verdict) Finding {
	last := map[catalogue.IndicatorID]Verdict{}
	for _, v := range verdicts {
		if v.Position >= last[v.Indicator].Position {
			last[v.Indicator] = v
		}
	}
	f := Finding{Competence: c.Code}
	for _, id := range c.Assessable() {
		if last[id].Outcome != Shown {
			f.Open = append(f.Open, id)
		}
	}
	f.Met = len(f.Open) == 0 && len(c.Assessable()) > 0
	return f
}
