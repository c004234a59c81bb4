package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// CandidateHandInCmd is `kutse candidate hand-in`.
type CandidateHandInCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
	Competences []string       `arg:"" optional:"" help:"Codes of the competences, as in B.2.3."`
	All         bool           `help:"Every competence that is open and has evidence for all that is asked."`
	ActFlags    `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateHandInCmd) Help() string {
	return `The evidence for a competence is frozen when it is handed in, and an assessor judges it. A recurring competence is judged along with the others.

Example:
  kutse candidate hand-in $APP B.2.3 B.2.4 --as c-7f3a`
}

// Run hands the competences in.
func (c *CandidateHandInCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.All == (len(c.Competences) > 0) {
		return fault.Invalid.New("name competences, as in B.2.3, or give --all")
	}
	id, err := c.acting()
	if err != nil {
		return err
	}
	a, err := g.dial(person.Candidate)
	if err != nil {
		return err
	}
	defer a.Close()
	codes := c.Competences
	if c.All {
		if codes, err = a.readyToHandIn(ctx, out, c.Application); err != nil {
			return err
		}
	}
	return a.actAndPrint(ctx, out, "competence", "hand-in", request.HandIn{Acting: id, Application: c.Application, Competences: codes})
}

func (a *asker) readyToHandIn(ctx context.Context, out *Output, id application.ID) ([]string, error) {
	var cs request.Case
	if err := a.ask(ctx, "application", "show", request.OfApplication{Application: id}, &cs); err != nil {
		return nil, err
	}
	ready, missing := readyCompetences(cs.Competences)
	if len(ready) == 0 {
		return nil, nothingToHandIn(missing)
	}
	out.Tell("handing in %s", strings.Join(ready, ", "))
	return ready, nil
}

// readyCompetences says which competences can be handed in: those that have a
// slot of their own, are not met, are not with an assessor, have a round left,
// and have evidence for each indicator that would be asked. missing are the
// indicators without evidence in the others.
func readyCompetences(all []request.CaseCompetence) (ready []string, missing []catalogue.IndicatorID) {
	for _, c := range all {
		if c.Group == string(catalogue.Recurring) || c.Met || c.UnderAssessment || c.RoundsLeft <= 0 {
			continue
		}
		asked, without := 0, []catalogue.IndicatorID(nil)
		for _, i := range c.Indicators {
			if !i.Assessable || i.Shown {
				continue
			}
			asked++
			if i.Evidence == 0 {
				without = append(without, i.Indicator)
			}
		}
		if asked > 0 && len(without) == 0 {
			ready = append(ready, c.Code)
		}
		missing = append(missing, without...)
	}
	return ready, missing
}

// named is how many indicators an error names.
const named = 8

func nothingToHandIn(missing []catalogue.IndicatorID) error {
	if len(missing) == 0 {
		return fault.Conflict.New("there is nothing to hand in: every competence is met, with an assessor, or out of rounds")
	}
	more := ""
	if len(missing) > named {
		more = fmt.Sprintf(" and %d more", len(missing)-named)
		missing = missing[:named]
	}
	return fault.Invalid.New("no open competence has evidence for all its indicators; there is none for %v%s", missing, more)
}
