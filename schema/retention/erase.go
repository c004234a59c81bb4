package retention

import (
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Ground is why a person's data is erased.
type Ground string

// The grounds. None goes over an open application or a legal hold.
const (
	ByRequest Ground = "request" // the person's own (GDPR Art 17(1)); the terms stand against it (Art 17(3)(b), (e))
	ByTerm    Ground = "term"    // retention is over (GDPR Art 5(1)(e), 17(1)(a))
	ByOrder   Ground = "order"   // of a court or a supervisory authority (GDPR Art 58(2)(g)); goes over the terms
)

// Grounds returns every ground.
func Grounds() []Ground { return []Ground{ByRequest, ByTerm, ByOrder} }

// ParseGround reads a ground; Invalid when it is none.
func ParseGround(s string) (Ground, error) {
	if g := Ground(s); slices.Contains(Grounds(), g) {
		return g, nil
	}
	return "", fault.Invalid.New("%.40q is no ground for erasure; grounds are %v", s, Grounds())
}

// Hold is a legal hold: data that a claim may need (GDPR Art 17(3)(e)) is kept
// until it is lifted.
type Hold struct {
	ID     string
	Placed time.Time
}

// MayErase says whether a person's data may be erased at now. A Conflict names
// what stands against it, until when, and what can be done. Invalid when the
// ground is none.
//
// It does not look at duties in progress: who holds an assessor's task releases it
// first.
func MayErase(now time.Time, terms []Term, holds []Hold, ground Ground) error {
	if _, err := ParseGround(string(ground)); err != nil {
		return err
	}
	if i := slices.IndexFunc(terms, func(t Term) bool { return t.Class == Open }); i >= 0 {
		return fault.Conflict.New("%s and needs its data: wait until application %s is decided, or let the candidate withdraw it (%s)",
			terms[i].Reason, terms[i].Application, terms[i].Rule)
	}
	if len(holds) > 0 {
		return fault.Conflict.New("the legal hold %s of %s stands against it: lift it first, when the claim is settled (GDPR Art 17(3)(e))",
			holds[0].ID, holds[0].Placed.UTC().Format(time.DateOnly))
	}
	if ground == ByOrder {
		return nil
	}
	var last *Term
	for i := range terms {
		if !terms[i].Over(now) && (last == nil || terms[i].Until.After(last.Until)) {
			last = &terms[i]
		}
	}
	if last != nil {
		return fault.Conflict.New("%s must be kept until %s, %s (%s): erase then, or on the order of a court or a supervisory authority",
			last.Class, last.Until.Format(time.DateOnly), last.Reason, last.Rule)
	}
	return nil
}
