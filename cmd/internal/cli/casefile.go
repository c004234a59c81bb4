package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// CaseFileFlags say which case, and where the archive goes.
type CaseFileFlags struct {
	Application application.ID `arg:"" help:"Id of the application."`
	Out         string         `short:"o" required:"" placeholder:"FILE" help:"Write it there; an existing file is left alone."`
	ActFlags    `embed:""`
}

// make asks for the archive and fetches it.
func (f *CaseFileFlags) make(ctx context.Context, g *Globals, out *Output, role person.Role, purpose reading.Purpose) error {
	id, err := f.acting()
	if err != nil {
		return err
	}
	if err := vacant(f.Out); err != nil {
		return err
	}
	a, err := g.dial(role)
	if err != nil {
		return err
	}
	defer a.Close()
	receipt, err := a.act(ctx, "casefile", "make", request.MakeCaseFile{Acting: id, Application: f.Application, Purpose: purpose})
	if err != nil {
		return err
	}
	digest, err := canon.ParseDigest(receipt.Record)
	if err != nil {
		return err
	}
	return a.save(ctx, out, f.Out, digest, func(ctx context.Context, offset int64) ([]byte, error) {
		return a.bytes(ctx, "casefile", "read", request.ReadCaseFile{CaseFile: digest, Application: f.Application, Purpose: purpose, Offset: offset})
	})
}

// CandidateCaseFileCmd is `kutse candidate casefile`.
type CandidateCaseFileCmd struct {
	CaseFileFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (CandidateCaseFileCmd) Help() string {
	return `Everything of your case in one signed archive, which others can check and read without this software. Another installation takes it with prior bring.

Example:
  kutse candidate casefile $APP -o case.zip --as c-7f3a`
}

// Run fetches the case file.
func (c *CandidateCaseFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.make(ctx, g, out, person.Candidate, "")
}

// CouncilCaseFileCmd is `kutse council casefile`.
type CouncilCaseFileCmd struct {
	CaseFileFlags `embed:""`
	PurposeFlags  `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilCaseFileCmd) Help() string {
	return "Example:\n  kutse council casefile $APP -o case.zip --purpose court --as n-c46b"
}

// Run fetches the case file.
func (c *CouncilCaseFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.make(ctx, g, out, person.Council, c.purpose())
}
