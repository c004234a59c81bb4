package cli

import "context"

// AuditCmd is `kutse audit`.
type AuditCmd struct {
	Verify     AuditVerifyCmd     `cmd:"" help:"Check a published log offline."`
	Prove      AuditProveCmd      `cmd:"" help:"Prove that a record stands in the log."`
	CheckProof AuditCheckProofCmd `cmd:"" help:"Check such a proof offline."`
	Export     AuditExportCmd     `cmd:"" help:"Write the log's published form to a folder."`
	Keys       AuditKeysCmd       `cmd:"" help:"List the logs and their keys."`
	Check      AuditCheckCmd      `cmd:"" help:"Check every case from its facts."`
	Search     AuditSearchCmd     `cmd:"" help:"Search the audit trail."`
	RotateKey  AuditRotateKeyCmd  `cmd:"" help:"Change the key that signs the log."`

	AcceptRestore AuditAcceptRestoreCmd `cmd:"" help:"Have the log go on from an older record that was restored."`
}

// Help implements kong.HelpProvider.
func (AuditCmd) Help() string {
	return `Nobody has to trust the operator: the log is published, and what is in it can be proved.

Example:
  kutse audit verify ./log`
}

// AuditSearchCmd is `kutse audit search`.
type AuditSearchCmd struct {
	TrailFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AuditSearchCmd) Help() string {
	return `The same as council audit.

Example:
  kutse audit search --actor a-2b9e --from 2026-01-01 --json --as n-c46b`
}

// Run streams what was found.
func (c *AuditSearchCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.stream(ctx, g, out)
}
