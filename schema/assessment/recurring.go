package assessment

import "github.com/kutse-dev/kutse/schema/catalogue"

// WeighRecurring says what the verdicts so far amount to for a recurring
// competence. Its indicators are judged in the context of other competences;
// in each context the last verdict stands. An indicator is shown when at least
// minContexts contexts show it and, where negativeBlocks, no context stands at
// not yet shown. (Standard 08-10052023-1.1/7k, B.2.15; domain.md 3.3 for the two
// settings, which come from the procedure.)
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
	shown, denied := map[catalogue.IndicatorID]int{}, map[catalogue.IndicatorID]int{}
	for at, v := range last {
		switch v.Outcome {
		case Shown:
			shown[at.indicator]++
		case NotYetShown:
			denied[at.indicator]++
		}
	}
	f := Finding{Competence: c.Code}
	for _, id := range c.Assessable() {
		if shown[id] < minContexts || shown[id] == 0 || (negativeBlocks && denied[id] > 0) {
			f.Open = append(f.Open, id)
		}
	}
	f.Met = len(f.Open) == 0 && len(c.Assessable()) > 0
	return f
}
