package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/cmd/internal/sealer"
	"github.com/kutse-dev/kutse/schema/fault"
)

// AuditAcceptRestoreCmd is `kutse audit accept-restore`.
type AuditAcceptRestoreCmd struct {
	LogKeys string `name:"log-keys" required:"" env:"KUTSE_LOG_KEYS" type:"existingdir" placeholder:"DIR" help:"Folder of the keys, that of the sealer."`
	Year    int    `required:"" placeholder:"YEAR" help:"Of the log."`
}

// Help implements kong.HelpProvider.
func (AuditAcceptRestoreCmd) Help() string {
	return `The sealer signs only what goes on from what it signed before. When an older record had to be restored it stops, as it does when somebody changed the record. This has it go on from what the database holds now, whatever that is.

What was signed and is not in the database any more is disowned: whoever keeps a checkpoint, a proof or a copy of it can show that the log contradicts itself. So find out first whether it was a restore, and say in public from which size on the log is another one. The sealer writes it to its log as an error.

Example:
  kutse audit accept-restore --log-keys /srv/kutse/keys/log --year 2026`
}

// Run has the log go on from the restored record.
func (c *AuditAcceptRestoreCmd) Run(_ context.Context, out *Output) error {
	if c.Year < 1 || c.Year > 9999 {
		return fault.Invalid.New("--year is that of a log, as in 2026")
	}
	keys, err := sealer.OpenKeyring(c.LogKeys, "")
	if err != nil {
		return err
	}
	was, err := keys.AcceptRestore(c.Year)
	if err != nil {
		return err
	}
	return out.Value(map[string]any{"origin": was.Origin, "disowned_size": was.Size, "disowned_root": was.Root.String()}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, `The log %s was signed at %d records, root %s.
That is disowned: the next checkpoint is of whatever the database holds.
CHECKPOINTS, PROOFS AND COPIES THAT WERE GIVEN OUT MAY NOW CONTRADICT THE LOG.
Say in public that a record was restored, and from which size on the log is another one.
`, was.Origin, was.Size, was.Root)
		return err
	})
}
