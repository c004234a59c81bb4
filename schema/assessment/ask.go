package assessment

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Ask is what a round puts before an assessor: the indicators that must be
// judged for the round to close, and the recurring ones that may be judged in
// its context.
type Ask struct {
	Competence string
	Asked      []catalogue.IndicatorID
	Offered    []catalogue.IndicatorID
}

// Covers says whether a verdict on id can be given in this round.
func (a Ask) Covers(id catalogue.IndicatorID) bool {
	return slices.Contains(a.Asked, id) || slices.Contains(a.Offered, id)
}

// AskAbout says what handing in competence code puts before an assessor, given
// where its indicators stand. A recurring competence has no slot of its own: its
// indicators are offered in every round, also those that stand at shown, since what
// is seen in one context may be missed in another; its open ones become what is
// asked once the competence itself is met (standard 08-10052023-1.1/7k, B.2.15:
// "assessed during the assessment of other competences").
func AskAbout(std *catalogue.Standard, code string, standing Standing) (Ask, error) {
	c, group, ok := std.Competence(code)
	switch {
	case !ok:
		return Ask{}, fault.Invalid.New("%s has no competence %.40s", std.Name(), code)
	case group.Kind == catalogue.Recurring:
		return Ask{}, fault.Invalid.New("%s is recurring: it is assessed during the assessment of the other competences; name evidence for it and hand in one of those", code)
	case len(c.Assessable()) == 0:
		return Ask{}, fault.Invalid.New("%s has nothing that can be assessed", code)
	}
	ask := Ask{Competence: code, Asked: openOf(c.Assessable(), standing)}
	for _, code := range std.Recurring() {
		recurring, _, _ := std.Competence(code)
		ask.Offered = append(ask.Offered, recurring.Assessable()...)
	}
	if len(ask.Asked) == 0 {
		ask.Asked, ask.Offered = openOf(ask.Offered, standing), nil
	}
	if len(ask.Asked) == 0 {
		return Ask{}, fault.Conflict.New("%s is met, and no recurring indicator is open: there is nothing left to judge", code)
	}
	return ask, nil
}

// openOf returns those of ids that do not stand at shown.
func openOf(ids []catalogue.IndicatorID, standing Standing) []catalogue.IndicatorID {
	return slices.DeleteFunc(slices.Clone(ids), standing.Shown)
}
