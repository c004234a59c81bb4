package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// CommitteeCmd is `kutse committee`.
type CommitteeCmd struct {
	List     CommitteeListCmd     `cmd:"" help:"List the cases that wait for the committee."`
	Show     CommitteeShowCmd     `cmd:"" help:"Read a case."`
	Evidence CommitteeEvidenceCmd `cmd:"" help:"Read the evidence of a case."`
	File     CommitteeFileCmd     `cmd:"" help:"Fetch a file that is evidence in a case."`
	Prior    CommitteePriorCmd    `cmd:"" help:"Read a prior assessment of a candidate."`
	Decide   CommitteeDecideCmd   `cmd:"" help:"Decide on a case."`
}

// Help implements kong.HelpProvider.
func (CommitteeCmd) Help() string {
	return `What assessors found is a proposal; the committee reviews the case and decides.

Example:
  kutse committee list --as k-81d0`
}

// CommitteeListCmd is `kutse committee list`.
type CommitteeListCmd struct{}

// Help implements kong.HelpProvider.
func (CommitteeListCmd) Help() string { return "Example:\n  kutse committee list --as k-81d0" }

// Run lists the cases.
func (*CommitteeListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	list, err := asking[request.Cases](ctx, g, person.Committee, "case", "list", request.Nothing{})
	if err != nil {
		return err
	}
	return printApplications(out, list, list.Cases, "No case waits for the committee.")
}

// CommitteeShowCmd is `kutse committee show`.
type CommitteeShowCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
}

// Help implements kong.HelpProvider.
func (CommitteeShowCmd) Help() string {
	return "Example:\n  kutse committee show $APP --as k-81d0"
}

// Run prints the case.
func (c *CommitteeShowCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showCase(ctx, g, out, person.Committee, "case", "show", request.OfApplication{Application: c.Application})
}

// CommitteeEvidenceCmd is `kutse committee evidence`.
type CommitteeEvidenceCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
}

// Help implements kong.HelpProvider.
func (CommitteeEvidenceCmd) Help() string {
	return "Example:\n  kutse committee evidence $APP --as k-81d0"
}

// Run prints the evidence.
func (c *CommitteeEvidenceCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showEvidence(ctx, g, out, person.Committee, "case", c.Application)
}

// CommitteeFileCmd is `kutse committee file`.
type CommitteeFileCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
	FileFlags   `embed:""`
}

// Help implements kong.HelpProvider.
func (CommitteeFileCmd) Help() string {
	return "Example:\n  kutse committee file $APP $SHA256 -o plan.pdf --as k-81d0"
}

// Run fetches the file.
func (c *CommitteeFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.fetch(ctx, g, out, person.Committee, request.ReadFile{Application: c.Application})
}

// CommitteeDecideCmd is `kutse committee decide`.
type CommitteeDecideCmd struct {
	Application application.ID   `arg:"" help:"Id of the application."`
	Award       bool             `xor:"outcome" required:"" help:"Award the qualification."`
	Refuse      bool             `xor:"outcome" required:"" help:"Refuse it, with a reason for each indicator that is not met."`
	Return      []string         `xor:"outcome" required:"" placeholder:"CODE" help:"Send competences back, to be assessed again."`
	Reviewed    bool             `help:"You reviewed the case. The committee decides on what it examined itself."`
	Grounds     string           `required:"" placeholder:"TEXT" help:"Grounds of the decision."`
	LegalBasis  string           `required:"" placeholder:"TEXT" help:"One of the provisions that the procedure names."`
	Reason      []Reasoned       `sep:"none" placeholder:"INDICATOR=REASON" help:"With --refuse: why an indicator counts as not met."`
	Proposal    award.ProposalID `placeholder:"ID" help:"Proposal you decide on; the case's current one when left out."`
	ActFlags    `embed:""`
}

// Help implements kong.HelpProvider.
func (CommitteeDecideCmd) Help() string {
	return `Nobody decides on a case in which they judged, or on their own.

Example:
  kutse committee decide $APP --award --reviewed --as k-81d0 \
    --grounds "Every competence is met." --legal-basis "KutS § 18(2)"`
}

// Run decides.
func (c *CommitteeDecideCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	a, err := g.dial(person.Committee)
	if err != nil {
		return err
	}
	defer a.Close()
	proposal := c.Proposal
	if proposal == "" {
		if proposal, err = a.currentProposal(ctx, c.Application); err != nil {
			return err
		}
	}
	return a.actAndPrint(ctx, out, "decision", "make", request.Decide{
		Acting: id, Application: c.Application, Proposal: proposal, Outcome: c.outcome(), Reviewed: c.Reviewed,
		Grounds: c.Grounds, LegalBasis: c.LegalBasis, Reasons: reasons(c.Reason), Returned: c.Return,
	})
}

func (c *CommitteeDecideCmd) outcome() award.Outcome {
	switch {
	case c.Award:
		return award.Award
	case c.Refuse:
		return award.Refuse
	default:
		return award.Return
	}
}

func (a *asker) currentProposal(ctx context.Context, id application.ID) (award.ProposalID, error) {
	var cs request.Case
	if err := a.ask(ctx, "case", "show", request.OfApplication{Application: id}, &cs); err != nil {
		return "", err
	}
	if cs.Proposal == nil {
		return "", fault.Conflict.New("the application is %s: there is no proposal to decide on", cs.State)
	}
	return cs.Proposal.Proposal, nil
}
