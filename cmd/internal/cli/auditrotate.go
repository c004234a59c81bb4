package cli

import (
	"context"
	"io"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/sealer"
	"github.com/kutse-dev/kutse/schema/fault"
)

// AuditRotateKeyCmd is `kutse audit rotate-key`.
type AuditRotateKeyCmd struct {
	LogKeys string `name:"log-keys" required:"" env:"KUTSE_LOG_KEYS" type:"existingdir" placeholder:"DIR" help:"Folder of the keys, that of the sealer."`
	Year    int    `placeholder:"YEAR" help:"Of the log; this year's when left out."`
}

// Help implements kong.HelpProvider.
func (AuditRotateKeyCmd) Help() string {
	return `Makes the next key. The next checkpoint is signed by the old one, too, and names the new one; those after it are signed by the new one alone. Who trusts the old key needs no other. Each year's log begins with a key of its own without this.

Keep the old key until the log's next checkpoint is out; a key that others may have read needs more than this: tell everybody from which size on not to believe it.

Example:
  kutse audit rotate-key --log-keys /srv/kutse/keys/log`
}

// Run makes the key.
func (c *AuditRotateKeyCmd) Run(_ context.Context, out *Output) error {
	year := c.Year
	if year == 0 {
		year = time.Now().UTC().Year()
	}
	if year < 1 || year > 9999 {
		return fault.Invalid.New("--year is that of a log, as in 2026")
	}
	keys, err := sealer.OpenKeyring(c.LogKeys, "")
	if err != nil {
		return err
	}
	vkey, err := keys.Rotate(year)
	if err != nil {
		return err
	}
	return out.Value(map[string]any{"year": year, "vkey": vkey}, func(w io.Writer) error {
		_, err := io.WriteString(w, vkey+"\n")
		return err
	})
}
