package procedure

import (
	"fmt"
	"slices"
	"time"
)

// Class is a class of personal data that is kept for a term of its own. Register
// facts and decisions are in none: they are permanent, and hold no name.
type Class string

// The classes, each with what its term counts from.
const (
	PortfolioAwarded   Class = "portfolio_awarded"   // evidence, reasons and texts of an awarded case; years from the end of validity
	PortfolioRefused   Class = "portfolio_refused"   // of a refused case; months from the end of the time for a challenge
	PortfolioWithdrawn Class = "portfolio_withdrawn" // of a withdrawn case; months from the withdrawal
	Holder             Class = "holder"              // name and contact of a holder; months from the end of validity
	Staff              Class = "staff"               // name of an assessor or a committee member; years from their last act
	Readings           Class = "readings"            // who read whose data; years from the reading
)

// Classes returns every class.
func Classes() []Class {
	return []Class{PortfolioAwarded, PortfolioRefused, PortfolioWithdrawn, Holder, Staff, Readings}
}

// counts says in what the term of a class is given.
var counts = map[Class]string{
	PortfolioAwarded: "years", PortfolioRefused: "months", PortfolioWithdrawn: "months",
	Holder: "months", Staff: "years", Readings: "years",
}

// Retained is how long one class is kept.
type Retained struct {
	Class       Class  `yaml:"class" json:"class"`
	Years       int    `yaml:"years,omitempty" json:"years,omitempty"`
	Months      int    `yaml:"months,omitempty" json:"months,omitempty"`
	AtMostYears int    `yaml:"at_most_years,omitempty" json:"at_most_years,omitempty"` // of portfolio_awarded: in all, from the decision
	Source      string `yaml:"source" json:"source"`                                   // what the term follows
}

// After is the end of the term that begins at t, on the calendar of t's zone.
func (r Retained) After(t time.Time) time.Time { return t.AddDate(r.Years, r.Months, 0) }

// Kept is how long this procedure keeps a class. A procedure that says nothing of
// retention, as those did that were loaded before there was any, keeps as the
// default procedure does.
func (p *Procedure) Kept(c Class) (Retained, error) {
	if i := slices.IndexFunc(p.Retention, func(r Retained) bool { return r.Class == c }); i >= 0 {
		return p.Retention[i], nil
	}
	usual, err := Default()
	if err != nil {
		return Retained{}, err
	}
	if i := slices.IndexFunc(usual.Retention, func(r Retained) bool { return r.Class == c }); i >= 0 {
		return usual.Retention[i], nil
	}
	return Retained{}, fmt.Errorf("no procedure says how long %q is kept", c)
}

// checkRetention says what is wrong with the terms. They are all there or none is:
// a class that is forgotten would be kept for ever or for no time.
func (p *Procedure) checkRetention(need func(ok bool, what string)) {
	if len(p.Retention) == 0 {
		return
	}
	seen := map[Class]int{}
	for _, r := range p.Retention {
		seen[r.Class]++
		p.checkRetained(r, need)
	}
	for _, c := range Classes() {
		need(seen[c] == 1, fmt.Sprintf("retention: %s once, not %d times", c, seen[c]))
	}
}

// longest bounds a term in years: a longer one is a slip of the pen.
const longest = 100

func (p *Procedure) checkRetained(r Retained, need func(ok bool, what string)) {
	unit, known := counts[r.Class]
	if !known {
		need(false, fmt.Sprintf("retention: no class %.40q; classes are %v", string(r.Class), Classes()))
		return
	}
	at := "retention." + string(r.Class)
	given, other, most := r.Years, r.Months, longest
	if unit == "months" {
		given, other, most = r.Months, r.Years, 12*longest
	}
	need(given >= 1 && given <= most && other == 0, fmt.Sprintf("%s: a term of 1 to %d %s", at, most, unit))
	need(r.Source != "", at+": source")
	if r.Class != PortfolioAwarded {
		need(r.AtMostYears == 0, at+": at_most_years goes with portfolio_awarded alone")
		return
	}
	// Records are kept for one full cycle of certification at least (ISO/IEC 17024, 7.1).
	need(r.AtMostYears >= p.Validity.Years && r.AtMostYears <= longest,
		fmt.Sprintf("%s: at_most_years of %d, the years of validity, to %d", at, p.Validity.Years, longest))
}
