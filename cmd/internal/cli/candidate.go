package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
)

// CandidateCmd is `kutse candidate`.
type CandidateCmd struct {
	Open     CandidateOpenCmd     `cmd:"" help:"Apply for a qualification."`
	List     CandidateListCmd     `cmd:"" help:"List your applications."`
	Show     CandidateShowCmd     `cmd:"" help:"See where an application stands."`
	Submit   CandidateSubmitCmd   `cmd:"" help:"Put a piece of evidence forward."`
	Upload   CandidateUploadCmd   `cmd:"" help:"Send a file, to put it forward later."`
	Evidence CandidateEvidenceCmd `cmd:"" help:"Read the evidence you put forward."`
	File     CandidateFileCmd     `cmd:"" help:"Fetch a file you put forward."`
	HandIn   CandidateHandInCmd   `cmd:"" help:"Hand competences in for assessment."`
	Withdraw CandidateWithdrawCmd `cmd:"" help:"Take an application back."`
	Readings CandidateReadingsCmd `cmd:"" help:"See who read your data."`
	CaseFile CandidateCaseFileCmd `cmd:"" name:"casefile" help:"Take your case along as one signed archive."`
	Prior    CandidatePriorCmd    `cmd:"" help:"Bring what another awarding body found."`
}

// Help implements kong.HelpProvider.
func (CandidateCmd) Help() string {
	return `Open an application, submit evidence for its indicators, hand competences in, and see what is still lacking.

Example:
  kutse candidate open it-manager-7 --as c-7f3a`
}

// CandidateOpenCmd is `kutse candidate open`.
type CandidateOpenCmd struct {
	Standard  string `arg:"" help:"Key of the standard; kutse standard list --loaded shows them."`
	Procedure string `placeholder:"KEY" help:"Awarding procedure, where several award the standard."`
	ActFlags  `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateOpenCmd) Help() string {
	return `The application follows the versions of the standard and the procedure that are current now, to its end.

Example:
  kutse candidate open it-manager-7 --as c-7f3a`
}

// Run opens the application.
func (c *CandidateOpenCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Candidate, "application", "open",
		request.OpenApplication{Acting: id, Standard: c.Standard, Procedure: c.Procedure})
}

// CandidateListCmd is `kutse candidate list`.
type CandidateListCmd struct{}

// Help implements kong.HelpProvider.
func (CandidateListCmd) Help() string { return "Example:\n  kutse candidate list --as c-7f3a" }

// Run lists the applications.
func (*CandidateListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	list, err := asking[request.Applications](ctx, g, person.Candidate, "application", "list", request.Nothing{})
	if err != nil {
		return err
	}
	return printApplications(out, list, list.Applications,
		"You have no application. To open one: kutse candidate open STANDARD")
}

func printApplications(out *Output, v any, lines []request.ApplicationLine, empty string) error {
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{string(l.Application), string(l.State), instant(l.OpenedAt), l.Standard, short(l.Title, 40)})
	}
	return out.Table(v, []string{"APPLICATION", "STATE", "OPENED", "STANDARD", "TITLE"}, rows, empty)
}

// CandidateShowCmd is `kutse candidate show`.
type CandidateShowCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
}

// Help implements kong.HelpProvider.
func (CandidateShowCmd) Help() string {
	return `Shows each competence and its indicators, how much evidence there is for each, why one is not yet shown, and what is lacking for the award.

Example:
  kutse candidate show $APP --as c-7f3a`
}

// Run prints the case.
func (c *CandidateShowCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showCase(ctx, g, out, person.Candidate, "application", "show", request.OfApplication{Application: c.Application})
}

// CandidateEvidenceCmd is `kutse candidate evidence`.
type CandidateEvidenceCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
}

// Help implements kong.HelpProvider.
func (CandidateEvidenceCmd) Help() string {
	return "Example:\n  kutse candidate evidence $APP --as c-7f3a"
}

// Run prints the evidence.
func (c *CandidateEvidenceCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showEvidence(ctx, g, out, person.Candidate, "evidence", c.Application)
}

// CandidateFileCmd is `kutse candidate file`.
type CandidateFileCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
	FileFlags   `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateFileCmd) Help() string {
	return "Example:\n  kutse candidate file $APP $SHA256 -o plan.pdf --as c-7f3a"
}

// Run fetches the file.
func (c *CandidateFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.fetch(ctx, g, out, person.Candidate, request.ReadFile{Application: c.Application})
}

// CandidateWithdrawCmd is `kutse candidate withdraw`.
type CandidateWithdrawCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
	ActFlags    `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateWithdrawCmd) Help() string {
	return `What is in the record stays there; the application ends.

Example:
  kutse candidate withdraw $APP --as c-7f3a`
}

// Run withdraws the application.
func (c *CandidateWithdrawCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Candidate, "application", "withdraw",
		request.WithdrawApplication{Acting: id, Application: c.Application})
}
