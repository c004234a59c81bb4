package award

import (
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/prose"
)

// Decision is the committee's act on one proposal.
type Decision struct {
	Outcome    Outcome
	Reviewed   bool   // the decider confirms having reviewed the whole case
	Grounds    string // in the committee's words
	LegalBasis string // one of the procedure's provisions
	Reasons    []Reason
	Returned   []string // codes of the competences sent back; only with Return
}

// Reason says why one indicator counts as not met.
type Reason struct {
	Indicator catalogue.IndicatorID
	Reason    string
}

// maxText bounds grounds and each reason, in bytes.
const maxText = 8000

// Check says whether d can stand as the decision on what was proposed.
//
//   - The committee reviews the assessment itself, also when nobody complained
//     (Supreme Court 3-3-1-18-14, p 11).
//   - A refusal without legal basis and reasons is annulled (3-17-1994/89,
//     p 15-16): it names a provision and a reason for each unmet indicator.
//   - Nothing is awarded while something is lacking (KutS § 18; ISO/IEC 17024 9.4).
//
// Every error is Invalid and says what to add.
func (d Decision) Check(std *catalogue.Standard, proc *procedure.Procedure, standing assessment.Standing) error {
	if !d.Reviewed {
		return fault.Invalid.New("confirm that you reviewed the case: the committee decides on what it examined itself")
	}
	if err := prose.Check("the decision's grounds", d.Grounds, maxText); err != nil {
		return err
	}
	if !slices.Contains(proc.LegalBasis, d.LegalBasis) {
		return fault.Invalid.New("name the legal basis; procedure %s knows %s", proc.Key, strings.Join(proc.LegalBasis, ", "))
	}
	lacks := Lacking(std, standing)
	switch d.Outcome {
	case Award:
		if len(lacks) > 0 {
			return fault.Invalid.New("nothing can be awarded while something is lacking: %v", lacks)
		}
		return d.without(d.Reasons != nil, d.Returned != nil)
	case Refuse:
		if len(lacks) == 0 {
			return fault.Invalid.New("everything that the standard asks for is met: there is no ground to refuse")
		}
		if err := d.checkReasons(lacks); err != nil {
			return err
		}
		return d.without(false, d.Returned != nil)
	case Return:
		if err := d.checkReturned(std); err != nil {
			return err
		}
		return d.without(d.Reasons != nil, false)
	default:
		return fault.Invalid.New("%.20q is not a decision; decide %s, %s or %s", d.Outcome, Award, Refuse, Return)
	}
}

func (d Decision) without(reasons, returned bool) error {
	if reasons || returned {
		return fault.Invalid.New("reasons per indicator go with a refusal, competences sent back with a return")
	}
	return nil
}

func (d Decision) checkReasons(lacks []Lack) error {
	given := map[catalogue.IndicatorID]bool{}
	for _, r := range d.Reasons {
		if given[r.Indicator] {
			return fault.Invalid.New("%s has two reasons", r.Indicator)
		}
		if err := prose.Check("the reason for "+r.Indicator.String(), r.Reason, maxText); err != nil {
			return err
		}
		given[r.Indicator] = true
	}
	var missing []string
	wanted := 0
	for _, l := range lacks {
		for _, id := range l.Open {
			wanted++
			if !given[id] {
				missing = append(missing, id.String())
			}
		}
	}
	if len(missing) > 0 {
		return fault.Invalid.New("a refusal states a reason for each unmet indicator; missing: %s", strings.Join(missing, ", "))
	}
	if len(given) > wanted {
		return fault.Invalid.New("there are reasons for indicators that are not lacking")
	}
	return nil
}

func (d Decision) checkReturned(std *catalogue.Standard) error {
	if len(d.Returned) == 0 {
		return fault.Invalid.New("name the competences to assess again")
	}
	for i, code := range d.Returned {
		c, _, ok := std.Competence(code)
		if !ok {
			return fault.Invalid.New("%s has no competence %.40s", std.Name(), code)
		}
		if len(c.Assessable()) == 0 {
			return fault.Invalid.New("%s has nothing that can be assessed again", code)
		}
		if slices.Contains(d.Returned[:i], code) {
			return fault.Invalid.New("%s is named twice", code)
		}
	}
	return nil
}
