package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/person"
)

// CandidatePriorCmd is `kutse candidate prior`.
type CandidatePriorCmd struct {
	Bring PriorBringCmd `cmd:"" help:"Bring a case file of another installation."`
	List  PriorListCmd  `cmd:"" help:"List what you brought."`
	Show  PriorShowCmd  `cmd:"" help:"Read what you brought."`
}

// Help implements kong.HelpProvider.
func (CandidatePriorCmd) Help() string {
	return `What another awarding body found about you, as prior assessment.

Example:
  kutse candidate prior list --as c-7f3a`
}

// PriorBringCmd is `kutse candidate prior bring`.
type PriorBringCmd struct {
	Path     string `arg:"" help:"The case file, which is sent first."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (PriorBringCmd) Help() string {
	return "Example:\n  kutse candidate prior bring case.zip --as c-7f3a"
}

// Run sends the file and brings it.
func (c *PriorBringCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	a, err := g.dial(person.Candidate)
	if err != nil {
		return err
	}
	defer a.Close()
	digest, err := a.upload(ctx, out, c.Path)
	if err != nil {
		return err
	}
	return a.actAndPrint(ctx, out, "prior", "bring", request.BringPrior{Acting: id, File: digest})
}

// PriorListCmd is `kutse candidate prior list`.
type PriorListCmd struct{}

// Help implements kong.HelpProvider.
func (PriorListCmd) Help() string { return "Example:\n  kutse candidate prior list --as c-7f3a" }

// Run lists prior assessments.
func (*PriorListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return listPriors(ctx, g, out, person.Candidate, request.PriorsOf{}, "You brought nothing. To bring a case file: kutse candidate prior bring FILE")
}

func listPriors(ctx context.Context, g *Globals, out *Output, role person.Role, q request.PriorsOf, empty string) error {
	list, err := asking[request.Priors](ctx, g, role, "prior", "list", q)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, p := range list.Priors {
		rows = append(rows, []string{p.Prior, string(p.State), instant(p.At), p.Origin, short(p.Title, 40)})
	}
	return out.Table(list, []string{"PRIOR", "STATE", "BROUGHT", "ORIGIN", "TITLE"}, rows, empty)
}

// PriorShowCmd is `kutse candidate prior show`.
type PriorShowCmd struct {
	Prior string `arg:"" help:"Id of the prior assessment."`
}

// Help implements kong.HelpProvider.
func (PriorShowCmd) Help() string { return "Example:\n  kutse candidate prior show $PRIOR --as c-7f3a" }

// Run prints the prior assessment.
func (c *PriorShowCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showPrior(ctx, g, out, person.Candidate, request.OfPrior{Prior: c.Prior})
}

// AssessorPriorCmd is `kutse assessor prior`.
type AssessorPriorCmd struct {
	Task  assessment.TaskID `arg:"" help:"Id of a task you hold, of the same candidate."`
	Prior string            `arg:"" optional:"" help:"Id of the prior assessment; without it, they are listed."`
}

// Help implements kong.HelpProvider.
func (AssessorPriorCmd) Help() string {
	return "Example:\n  kutse assessor prior $TASK $PRIOR --as a-2b9e"
}

// Run prints the prior assessment.
func (c *AssessorPriorCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Prior == "" {
		return listPriors(ctx, g, out, person.Assessor, request.PriorsOf{Task: c.Task}, "The candidate brought nothing.")
	}
	return showPrior(ctx, g, out, person.Assessor, request.OfPrior{Prior: c.Prior, Task: c.Task})
}

// CommitteePriorCmd is `kutse committee prior`.
type CommitteePriorCmd struct {
	Application application.ID `arg:"" help:"Id of the application for which you read it."`
	Prior       string         `arg:"" optional:"" help:"Id of the prior assessment; without it, they are listed."`
}

// Help implements kong.HelpProvider.
func (CommitteePriorCmd) Help() string {
	return "Example:\n  kutse committee prior $APP $PRIOR --as k-81d0"
}

// Run prints the prior assessment.
func (c *CommitteePriorCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Prior == "" {
		return listPriors(ctx, g, out, person.Committee, request.PriorsOf{Application: c.Application}, "The candidate brought nothing.")
	}
	return showPrior(ctx, g, out, person.Committee, request.OfPrior{Prior: c.Prior, Application: c.Application})
}

// CouncilPriorCmd is `kutse council prior`.
type CouncilPriorCmd struct {
	Prior        string         `arg:"" optional:"" help:"Id of the prior assessment."`
	Application  application.ID `placeholder:"ID" help:"List those of this application's candidate."`
	PurposeFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilPriorCmd) Help() string { return "Example:\n  kutse council prior $PRIOR --as n-c46b" }

// Run prints the prior assessment.
func (c *CouncilPriorCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Prior == "" {
		return listPriors(ctx, g, out, person.Council, request.PriorsOf{Application: c.Application, Purpose: c.purpose()}, "The candidate brought nothing.")
	}
	return showPrior(ctx, g, out, person.Council, request.OfPrior{Prior: c.Prior, Application: c.Application, Purpose: c.purpose()})
}

func showPrior(ctx context.Context, g *Globals, out *Output, role person.Role, q request.OfPrior) error {
	prior, err := asking[request.Prior](ctx, g, role, "prior", "show", q)
	if err != nil {
		return err
	}
	return out.Value(prior, func(w io.Writer) error { return writePrior(w, prior) })
}

func writePrior(w io.Writer, p request.Prior) error {
	standard := p.Title + ", version " + p.Standard.String()
	if !p.StandardKnown {
		standard += ", which is not in this record"
	}
	if err := columns(w, [][]string{
		{"prior", p.Prior},
		{"candidate", string(p.Candidate)},
		{"origin", p.Origin},
		{"standard", standard},
		{"state", string(p.State)},
		{"brought", instant(p.At)},
		{"case file", p.File.String()},
	}); err != nil {
		return err
	}
	return writeFound(w, p)
}

// writeFound writes what was checked and what was found.
func writeFound(w io.Writer, p request.Prior) error {
	for _, write := range []func(io.Writer, request.Prior) error{writePriorChecks, writePriorCompetences, writePriorText} {
		if err := write(w, p); err != nil {
			return err
		}
	}
	cs := request.Case{Decisions: p.Decisions, Entry: p.Entry}
	if err := writeDecisions(w, cs); err != nil {
		return err
	}
	return writeEntry(w, cs)
}

// writePriorText writes a standard of a format that nobody here can read otherwise.
func writePriorText(w io.Writer, p request.Prior) error {
	if p.Text == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nThe standard, as the case file has it:\n%s\n", indent(p.Text, "  "))
	return err
}

func writePriorChecks(w io.Writer, p request.Prior) error {
	rows := [][]string{{"CHECKED", "", "WHY"}}
	for _, c := range p.Checks {
		ok := "ok"
		if !c.OK {
			ok = "NOT OK"
		}
		rows = append(rows, []string{c.What, ok, c.Why})
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return columns(w, rows)
}

func writePriorCompetences(w io.Writer, p request.Prior) error {
	rows := [][]string{{"COMPETENCE", "STANDING", "EVIDENCE", "TITLE"}}
	for _, c := range p.Competences {
		met := "open"
		if c.Met {
			met = "met"
		}
		rows = append(rows, []string{c.Code, met, "", short(c.Title, textWidth)})
		for _, i := range c.Indicators {
			shown := "open"
			if i.Shown {
				shown = "shown"
			}
			id := i.Indicator
			if i.Context != "" {
				id += " in " + i.Context
			}
			rows = append(rows, []string{"· " + id, shown, strconv.Itoa(i.Evidence), short(i.Text, textWidth)})
			if i.Reason != "" {
				rows = append(rows, []string{"", "", "", "not yet: " + i.Reason})
			}
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return columns(w, rows)
}
