// Package award says what a committee may decide, and what a decision must state.
package award

import (
	"fmt"
	"slices"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// ProposalID names one proposal to the committee.
type ProposalID string

// DecisionID names one decision of the committee.
type DecisionID string

// Outcome is what is proposed, or decided, for one application.
type Outcome string

// The outcomes. A partial award exists only where the standard defines partial
// qualifications (KutS § 5; domain.md 3.1), and comes with the committee's issue.
const (
	Award  Outcome = "award"  // the full qualification
	Refuse Outcome = "refuse" // with a rule and a reason per unmet indicator
	Return Outcome = "return" // back to assessment; a committee's choice, never a proposal
)

// Lack is one thing that stands between an application and the full award.
type Lack struct {
	Competence string
	Open       []catalogue.IndicatorID
	Exhausted  bool // no round is left in which it could still be shown
}

// String says it in words.
func (l Lack) String() string {
	if l.Exhausted {
		return fmt.Sprintf("%s: %v not shown, and no round is left", l.Competence, l.Open)
	}
	return fmt.Sprintf("%s: %v not shown so far", l.Competence, l.Open)
}

// Lacking says what stands between an application and the full award under the
// standard's award rule: every assessable competence of the required groups, as
// many of an elective group as it asks for, every recurring competence. Nothing
// lacking is not yet an award: the committee decides. (domain.md 3.2; EstQF
// standards, B.1 "Structure of occupation".)
func Lacking(std *catalogue.Standard, standing assessment.Standing) []Lack {
	var lacks []Lack
	for _, g := range std.Groups {
		switch {
		case slices.Contains(std.Award.Required, g.Key), slices.Contains(std.Award.Recurring, g.Key):
			lacks = append(lacks, lackingOf(g, standing)...)
		default:
			for _, e := range std.Award.Elective {
				if e.Group == g.Key {
					lacks = append(lacks, lackingElective(g, e.AtLeast, standing)...)
				}
			}
		}
	}
	return lacks
}

func lackingOf(g catalogue.Group, standing assessment.Standing) []Lack {
	var lacks []Lack
	for _, c := range g.Competences {
		cs := standing.Competences[c.Code]
		if len(c.Assessable()) > 0 && !cs.Met {
			lacks = append(lacks, Lack{Competence: c.Code, Open: cs.Open, Exhausted: exhausted(cs)})
		}
	}
	return lacks
}

// lackingElective names the competences that could still fill an elective group,
// while it holds fewer than it asks for.
func lackingElective(g catalogue.Group, atLeast int, standing assessment.Standing) []Lack {
	met, possible := 0, 0
	for _, c := range g.Competences {
		cs := standing.Competences[c.Code]
		switch {
		case len(c.Assessable()) == 0:
		case cs.Met:
			met++
		case !exhausted(cs):
			possible++
		}
	}
	if met >= atLeast {
		return nil
	}
	lacks := lackingOf(g, standing)
	for i := range lacks {
		lacks[i].Exhausted = met+possible < atLeast
	}
	return lacks
}

func exhausted(c assessment.CompetenceStanding) bool {
	return !c.Met && !c.UnderAssessment && c.RoundsLeft <= 0
}

// Propose says what should be put before the committee now: the award when
// nothing is lacking, a refusal when something can no longer be shown, "" while
// the case goes on. Nothing is proposed while a round is with an assessor: the
// committee sees the whole case.
func Propose(std *catalogue.Standard, standing assessment.Standing) Outcome {
	if standing.UnderAssessment() {
		return ""
	}
	lacks := Lacking(std, standing)
	if len(lacks) == 0 {
		return Award
	}
	for _, l := range lacks {
		if l.Exhausted {
			return Refuse
		}
	}
	return ""
}
