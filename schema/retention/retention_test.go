package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/retention"
)

// kept is a procedure of Tallinn with a challenge of 30 days.
func kept() *procedure.Procedure {
	return &procedure.Procedure{
		TimeZone: "Europe/Tallinn", Validity: procedure.Validity{Years: 5}, Challenge: procedure.Challenge{Days: 30},
		Retention: []procedure.Retained{
			{Class: procedure.PortfolioAwarded, Years: 3, AtMostYears: 10, Source: "P"},
			{Class: procedure.PortfolioRefused, Months: 12, Source: "R"},
			{Class: procedure.PortfolioWithdrawn, Months: 6, Source: "W"},
			{Class: procedure.Holder, Months: 12, Source: "H"},
			{Class: procedure.Staff, Years: 10, Source: "S"},
			{Class: procedure.Readings, Years: 5, Source: "L"},
		},
	}
}

func on(t *testing.T, day string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, day+"T09:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// terms are written class, application, until.
func written(terms []retention.Term) []string {
	var all []string
	for _, t := range terms {
		until := "open"
		if !t.Until.IsZero() {
			until = t.Until.Format("2006-01-02T15:04Z")
		}
		all = append(all, string(t.Class)+" "+string(t.Application)+" "+until)
	}
	return all
}

func TestUntilWhenDataIsKept(t *testing.T) {
	t.Parallel()
	p := kept()
	short := kept()
	short.Retention[0].AtMostYears = 6
	registered := retention.Case{Application: "a", State: application.Registered, Decided: on(t, "2025-03-27"), ValidTo: "2030-03-26", Procedure: p}
	bounded := registered
	bounded.Procedure = short
	refused := retention.Case{Application: "b", State: application.Refused, Decided: on(t, "2025-01-31"), Procedure: p}
	withdrawn := retention.Case{Application: "c", State: application.Withdrawn, Withdrawn: on(t, "2025-01-31"), Procedure: p}
	open := retention.Case{Application: "d", State: application.Gathering}
	for name, c := range map[string]struct {
		person retention.Person
		want   []string
	}{
		"nothing is kept of whoever did nothing": {retention.Person{}, nil},
		"an award's portfolio is kept three years after the last day, the name one": {
			retention.Person{Cases: []retention.Case{registered}},
			[]string{"portfolio_awarded a 2033-03-26T22:00Z", "holder a 2031-03-26T22:00Z"}, // midnight in Tallinn, in winter time
		},
		"but not longer than the most, from the decision": {
			retention.Person{Cases: []retention.Case{bounded}},
			[]string{"portfolio_awarded a 2031-03-27T09:00Z", "holder a 2031-03-26T22:00Z"},
		},
		"a refusal's from the end of the time for a challenge": {
			retention.Person{Cases: []retention.Case{refused}}, []string{"portfolio_refused b 2026-03-02T09:00Z"},
		},
		"a withdrawn one's from the withdrawal": {
			retention.Person{Cases: []retention.Case{withdrawn}}, []string{"portfolio_withdrawn c 2025-07-31T09:00Z"},
		},
		"an open application has no term, and comes first": {
			retention.Person{Cases: []retention.Case{withdrawn, open}}, []string{"open_application d open", "portfolio_withdrawn c 2025-07-31T09:00Z"},
		},
		"an assessor's name is kept from their last act": {
			retention.Person{Duties: []retention.Duty{{LastAct: on(t, "2025-06-01"), Procedure: p}}}, []string{"staff  2035-06-01T09:00Z"},
		},
		"several, the latest first": {
			retention.Person{Cases: []retention.Case{withdrawn, refused}, Duties: []retention.Duty{{LastAct: on(t, "2025-06-01"), Procedure: p}}},
			[]string{"staff  2035-06-01T09:00Z", "portfolio_refused b 2026-03-02T09:00Z", "portfolio_withdrawn c 2025-07-31T09:00Z"},
		},
	} {
		got, err := retention.Until(c.person)
		if diff := cmp.Diff(c.want, written(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
		for _, term := range got {
			if term.Reason == "" || term.Rule == "" {
				t.Errorf("%s: %+v does not say why", name, term)
			}
		}
	}
}

func TestADecidedCaseThatIsNotRegisteredYetIsOpen(t *testing.T) {
	t.Parallel()
	for _, s := range application.States() {
		terms, err := retention.Until(retention.Person{Cases: []retention.Case{{
			Application: "a", State: s, Decided: on(t, "2025-03-27"), Withdrawn: on(t, "2025-03-27"), ValidTo: "2030-03-26", Procedure: kept(),
		}}})
		if err != nil || len(terms) == 0 || (terms[0].Class == retention.Open) == s.Ended() {
			t.Errorf("%s: %v, %v", s, written(terms), err)
		}
	}
}

func TestFactsThatAreNotWholeAreAnError(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]retention.Person{
		"no last day":            {Cases: []retention.Case{{State: application.Registered, Decided: on(t, "2025-03-27"), Procedure: kept()}}},
		"registered, undecided":  {Cases: []retention.Case{{State: application.Registered, ValidTo: "2030-03-26", Procedure: kept()}}},
		"refused, undecided":     {Cases: []retention.Case{{State: application.Refused, Procedure: kept()}}},
		"withdrawn at no moment": {Cases: []retention.Case{{State: application.Withdrawn, Procedure: kept()}}},
		"no procedure":           {Cases: []retention.Case{{State: application.Refused, Decided: on(t, "2025-03-27")}}},
		"a duty of no procedure": {Duties: []retention.Duty{{LastAct: on(t, "2025-03-27")}}},
		"a duty without an act":  {Duties: []retention.Duty{{Procedure: kept()}}},
	} {
		if terms, err := retention.Until(p); err == nil {
			t.Errorf("%s: %v, want an error", name, written(terms))
		}
	}
}

func TestWhoMayBeErased(t *testing.T) {
	t.Parallel()
	now := on(t, "2030-01-01")
	over := retention.Term{Class: procedure.PortfolioRefused, Application: "a", Until: now, Reason: "12 months after x", Rule: "R"}
	running, longer := over, over
	running.Until, longer.Until, longer.Class = now.Add(time.Hour), now.AddDate(2, 0, 0), procedure.Staff
	open := retention.Term{Class: retention.Open, Application: "d", Reason: "the application is assessing", Rule: "Art 17"}
	hold := retention.Hold{ID: "h1", Placed: now}
	type terms = []retention.Term
	for name, c := range map[string]struct {
		terms  terms
		holds  []retention.Hold
		ground retention.Ground
		says   string // "" for yes
	}{
		"whoever left nothing, on their request": {nil, nil, retention.ByRequest, ""},
		"whose terms are over, on their request": {terms{over}, nil, retention.ByRequest, ""},
		"whose terms are over":                   {terms{over}, nil, retention.ByTerm, ""},
		"not within a term, though they ask":     {terms{over, running}, nil, retention.ByRequest, "portfolio_refused must be kept until 2030-01-01, 12 months after x (R)"},
		"nor because a shorter one is over":      {terms{running, longer, over}, nil, retention.ByTerm, "staff must be kept until 2032-01-01"},
		"within a term on an order":              {terms{running}, nil, retention.ByOrder, ""},
		"not with an open application":           {terms{over, open}, nil, retention.ByRequest, "wait until application d is decided"},
		"not on an order either":                 {terms{open}, nil, retention.ByOrder, "the application is assessing"},
		"not under a legal hold":                 {terms{over}, []retention.Hold{hold}, retention.ByTerm, "the legal hold h1 of 2030-01-01 stands against it: lift it first"},
		"not under a legal hold on an order":     {nil, []retention.Hold{hold}, retention.ByOrder, "lift it first"},
	} {
		err := retention.MayErase(now, c.terms, c.holds, c.ground)
		if c.says == "" && err != nil {
			t.Errorf("%s: %v, want yes", name, err)
		}
		if c.says != "" && (fault.Of(err) != fault.Conflict || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want a conflict that says %q", name, err, c.says)
		}
	}
	for _, g := range []retention.Ground{"", "whim"} {
		if err := retention.MayErase(now, nil, nil, g); fault.Of(err) != fault.Invalid {
			t.Errorf("on the ground %q: %v, want invalid", g, err)
		}
	}
}
