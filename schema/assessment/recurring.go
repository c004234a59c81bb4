package assessment

import "github.com/kutse-dev/kutse/schema/catalogue"

// WeighRecurring says what the verdicts so far amount to for a recurring
// competence. Its indicators are judged in the context of other competences;
// in each context the last verdict stands. An indicator is shown when at least
// minContexts contexts show it and, where negativeBlocks, the last verdict of all
// is not a "not yet": a negative holds the indicator open until a later verdict, in
// any context, shows it. (Standard 08-10052023-1.1/7k, B.2.15; domain.md 3.3 for
// the two settings, which come from the procedure. That a later context may lift a
// negative is our reading: its own context may have no round left.)
func WeighRecurring(c catalogue.Competence, verdicts []Verdict, minContexts int, negativeBlocks bool) Finding {
	type place struct {
		indicator catalogue.IndicatorID
		context   string
	}
	last := map[place]Verdict{}
	for _, v := range verdicts {
		at := place{v.Indicator, v.Context}
		if v.Context != "" && v.Position >= last[at].Position {
			last[at] = v
		}
	}
	contexts, latest := map[catalogue.IndicatorID]int{}, map[catalogue.IndicatorID]Verdict{}
	for at, v := range last {
		if v.Outcome == Shown {
			contexts[at.indicator]++
		}
		if v.Position >= latest[at.indicator].Position {
			latest[at.indicator] = v
		}
	}
	f := Finding{Competence: c.Code}
	for _, id := range c.Assessable() {
		denied := negativeBlocks && latest[id].Outcome == NotYetShown
		if contexts[id] < minContexts || contexts[id] == 0 || denied {
			f.Open = append(f.Open, id)
		}
	}
	f.Met = len(f.Open) == 0 && len(c.Assessable()) > 0
	return f
}
