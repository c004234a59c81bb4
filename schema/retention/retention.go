// Package retention says until when a person's data must be kept, and whether it
// may be erased. Terms are data of the procedure (schema/procedure); this package
// counts them.
//
// What is erased is the person's key, and with it all that was sealed under it:
// name, contact, texts, reasons, evidence and files. The decision, the register
// fact and the chain of the log stay, under an opaque id.
package retention

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// Open is the class of what an open application needs: it has no term, and
// nothing ends it but the end of the application.
const Open procedure.Class = "open_application"

// Case is what counts of one application of a person.
type Case struct {
	Application application.ID
	State       application.State
	Decided     time.Time // when the committee decided last; zero when it did not
	Withdrawn   time.Time // when the candidate took it back
	ValidTo     string    // last day of the register entry, 2006-01-02
	Procedure   *procedure.Procedure
}

// Duty is a person's work under one procedure, as an assessor or a member of the
// committee.
type Duty struct {
	LastAct   time.Time
	Procedure *procedure.Procedure
}

// Person is what counts of a person.
type Person struct {
	Cases  []Case
	Duties []Duty
}

// Term is until when one class of a person's data must be kept, and why.
type Term struct {
	Class       procedure.Class
	Application application.ID // whose; "" for what belongs to no application
	Until       time.Time      // UTC; zero where it is not known yet: the application is open
	Reason      string         // in words
	Rule        string         // what the term follows, as the procedure cites it
}

// Over says whether the term is over at now.
func (t Term) Over(now time.Time) bool { return t.Class != Open && !t.Until.After(now) }

// openRule is why an open application keeps its data: without it nobody could
// decide, and the case would have no end.
const openRule = "GDPR Art 17(3)(b); ISO/IEC 17024:2012, 9.4"

// Until says until when each class of p's data must be kept, the latest first and
// an open application before all. An error means that the facts are not whole: a
// registered case without a last day, a case without its procedure.
func Until(p Person) ([]Term, error) {
	var terms []Term
	for _, c := range p.Cases {
		more, err := c.terms()
		if err != nil {
			return nil, fmt.Errorf("retention of application %s: %w", c.Application, err)
		}
		terms = append(terms, more...)
	}
	for _, d := range p.Duties {
		if d.Procedure == nil || d.LastAct.IsZero() {
			return nil, fmt.Errorf("retention: a duty without its procedure or its last act")
		}
		kept, err := d.Procedure.Kept(procedure.Staff)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term(kept, "", d.LastAct, kept.After, "after the last act as assessor or committee member"))
	}
	slices.SortStableFunc(terms, func(a, b Term) int {
		if (a.Class == Open) != (b.Class == Open) {
			return map[bool]int{true: -1, false: 1}[a.Class == Open]
		}
		return cmp.Or(b.Until.Compare(a.Until), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Application, b.Application))
	})
	return terms, nil
}

// terms are those of one case.
func (c Case) terms() ([]Term, error) {
	if !c.State.Ended() {
		return []Term{{Class: Open, Application: c.Application, Reason: fmt.Sprintf("the application is %s", c.State), Rule: openRule}}, nil
	}
	if c.Procedure == nil {
		return nil, fmt.Errorf("no procedure")
	}
	switch c.State {
	case application.Registered:
		return c.awarded()
	case application.Refused:
		return c.one(procedure.PortfolioRefused, c.Decided, c.Procedure.ChallengeOver(c.Decided), "after the time for a challenge of the refusal")
	default:
		return c.one(procedure.PortfolioWithdrawn, c.Withdrawn, c.Withdrawn, "after the withdrawal")
	}
}

// awarded are the terms of an award: the portfolio's, cut off at the most years in
// all, and the holder's.
func (c Case) awarded() ([]Term, error) {
	lapsed, err := c.Procedure.Lapsed(c.ValidTo)
	if err != nil {
		return nil, fmt.Errorf("last day %q: %w", c.ValidTo, err)
	}
	if c.Decided.IsZero() {
		return nil, fmt.Errorf("registered without a decision")
	}
	portfolio, err := c.Procedure.Kept(procedure.PortfolioAwarded)
	if err != nil {
		return nil, err
	}
	holder, err := c.Procedure.Kept(procedure.Holder)
	if err != nil {
		return nil, err
	}
	most := c.Decided.AddDate(portfolio.AtMostYears, 0, 0)
	bounded := func(t time.Time) time.Time {
		if end := portfolio.After(t); portfolio.AtMostYears == 0 || end.Before(most) {
			return end
		}
		return most
	}
	return []Term{
		term(portfolio, c.Application, lapsed, bounded, "after the end of validity"),
		term(holder, c.Application, lapsed, holder.After, "after the end of validity"),
	}, nil
}

func (c Case) one(class procedure.Class, happened, from time.Time, when string) ([]Term, error) {
	if happened.IsZero() {
		return nil, fmt.Errorf("%s without its moment", c.State)
	}
	kept, err := c.Procedure.Kept(class)
	if err != nil {
		return nil, err
	}
	return []Term{term(kept, c.Application, from, kept.After, when)}, nil
}

// term is the term of one class that runs from a moment.
func term(kept procedure.Retained, id application.ID, from time.Time, end func(time.Time) time.Time, when string) Term {
	return Term{
		Class: kept.Class, Application: id, Until: end(from).UTC(), Rule: kept.Source,
		Reason: fmt.Sprintf("%s %s", length(kept), when),
	}
}

// length says a term in words.
func length(r procedure.Retained) string {
	words := fmt.Sprintf("%d months", r.Months)
	if r.Years > 0 {
		words = fmt.Sprintf("%d years", r.Years)
	}
	if r.AtMostYears > 0 {
		words += fmt.Sprintf(", at most %d in all,", r.AtMostYears)
	}
	return words
}
