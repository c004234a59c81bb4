package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// AuditCmd is `kutse audit`.
type AuditCmd struct {
	Verify AuditVerifyCmd `cmd:"" help:"Check a published log offline."`
	Prove  AuditProveCmd  `cmd:"" help:"Prove that a record stands in the log."`
	Export AuditExportCmd `cmd:"" help:"Write the log's published form to a folder."`
	Check  AuditCheckCmd  `cmd:"" help:"Check every case from its facts."`
	Search AuditSearchCmd `cmd:"" help:"Search the audit trail."`
}

// Help implements kong.HelpProvider.
func (AuditCmd) Help() string {
	return `Nobody has to trust the operator: the log is published, and what is in it can be proved.

Example:
  kutse audit verify ./log`
}

// AuditVerifyCmd is `kutse audit verify`.
type AuditVerifyCmd struct {
	Log string   `arg:"" help:"Folder or URL with the published log, one year or all."`
	Key []string `sep:"none" placeholder:"VKEY" help:"Verifier key to trust; else those beside the log, which are as trustworthy as it is."`
	Old []string `sep:"none" placeholder:"FILE" help:"A checkpoint that you kept: the log must continue it."`
}

// Help implements kong.HelpProvider.
func (AuditVerifyCmd) Help() string {
	return `Needs no database and no server. Names the first record that is wrong.

Example:
  kutse audit verify ./log --old checkpoint-of-march`
}

// Run checks the log.
func (*AuditVerifyCmd) Run(context.Context, *Output) error { return notBuilt() }

// notBuilt is what a command says whose turn has not come.
func notBuilt() error { return fault.Unavailable.New("not built yet") }

// AuditProveCmd is `kutse audit prove`.
type AuditProveCmd struct {
	Record string `arg:"" help:"Id of a request, a fact, a decision, a register entry or an audit row."`
}

// Help implements kong.HelpProvider.
func (AuditProveCmd) Help() string {
	return `Prints the log's entry and a C2SP tlog-proof, which anyone checks without this software.

Example:
  kutse audit prove $RECORD --as nele`
}

// Run prints the proof.
func (c *AuditProveCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	proof, err := inFirstRole[request.Proof](ctx, g, []person.Role{person.Council, person.Committee, person.Candidate},
		"log", "prove", request.OfRecord{Record: c.Record})
	if err != nil {
		return err
	}
	return out.Value(proof, func(w io.Writer) error {
		if err := columns(w, [][]string{
			{"record", proof.Record},
			{"audit row", proof.Audit},
			{"log", strconv.Itoa(proof.Year)},
			{"position", strconv.FormatInt(proof.Position, 10)},
		}); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n"+proof.Entry+"\n\n"+proof.Proof)
		return err
	})
}

// AuditExportCmd is `kutse audit export`.
type AuditExportCmd struct {
	Dir  string `arg:"" help:"Folder to write to; what is there already is continued."`
	Year []int  `placeholder:"YEAR" help:"Only the logs of these years."`
}

// Help implements kong.HelpProvider.
func (AuditExportCmd) Help() string {
	return `Writes checkpoints, tiles and entries (C2SP tlog-tiles) and the keys, one folder a year.

Example:
  kutse audit export ./log --as nele`
}

// Run writes the log.
func (*AuditExportCmd) Run(context.Context, *Globals, *Output) error { return notBuilt() }

// AuditSearchCmd is `kutse audit search`.
type AuditSearchCmd struct {
	TrailFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AuditSearchCmd) Help() string {
	return `The same as council audit.

Example:
  kutse audit search --actor a7 --from 2026-01-01 --json --as nele`
}

// Run streams what was found.
func (c *AuditSearchCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.stream(ctx, g, out)
}
