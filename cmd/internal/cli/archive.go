package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kutse-dev/kutse/cmd/internal/wire"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// CaseFileCmd is `kutse casefile`: what can be done with a case file alone.
type CaseFileCmd struct {
	Verify ArchiveVerifyCmd `cmd:"" help:"Check a case file."`
	Show   ArchiveShowCmd   `cmd:"" help:"Read a case file."`
	Key    ArchiveKeyCmd    `cmd:"" help:"Make the key that case files are signed with."`
}

// Help implements kong.HelpProvider.
func (CaseFileCmd) Help() string {
	return `A case file is one signed archive with a whole case. These commands need no server and no database. Without this software, its README.txt says how to check it, and its case.html can be read.

Example:
  kutse casefile verify case.zip --key kutse.example.vkey`
}

// ArchiveFlags name a case file and whom to believe.
type ArchiveFlags struct {
	File string   `arg:"" help:"The case file."`
	Key  []string `sep:"none" placeholder:"VKEY|FILE" help:"Verifier key that you trust, or a file of them: of the installation, of its logs."`
}

// read opens and verifies the case file, and hands it over while it is open.
func (f ArchiveFlags) read(do func(*casefile.Archive, casefile.Report) error) (err error) {
	keys, err := readVKeys(f.Key)
	if err != nil {
		return err
	}
	if err := casefile.CheckKeys(keys); err != nil {
		return err
	}
	file, err := openFile(f.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	archive, err := casefile.Open(file, info.Size(), casefile.DefaultLimits())
	if err != nil {
		return err
	}
	return do(archive, archive.Verify(casefile.Trust{Signers: keys, Logs: keys}))
}

// ArchiveVerifyCmd is `kutse casefile verify`.
type ArchiveVerifyCmd struct {
	ArchiveFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (ArchiveVerifyCmd) Help() string {
	return `Checks the signature, every file, and every act against the log. Names the file that is wrong, and fails. Without --key it finds changes, but not whether the signer is who the file says: ask the installation for its key by a way that you trust.

Example:
  kutse casefile verify case.zip --key kutse.example.vkey`
}

// Run checks the case file.
func (c *ArchiveVerifyCmd) Run(out *Output) error {
	return c.read(func(_ *casefile.Archive, r casefile.Report) error {
		if err := out.Value(r, func(w io.Writer) error { return writeArchiveReport(w, r) }); err != nil {
			return err
		}
		return archiveVerdict(r, len(c.Key) > 0)
	})
}

// archiveVerdict is what a check comes to, as an error. Whoever gives keys asks
// whether they are those of the signer.
func archiveVerdict(r casefile.Report, keyed bool) error {
	switch {
	case !r.Sound() && len(r.Problems) > 0:
		return fault.Conflict.New("the case file is not what was signed: %s", r.Problems[0])
	case !r.Sound():
		return fault.Conflict.New("nobody signed the case file")
	case keyed && !r.Trusted():
		return fault.Conflict.New("the case file is whole, and signed by %s with a key that you do not trust", r.Signer.Name)
	}
	return nil
}

func writeArchiveReport(w io.Writer, r casefile.Report) error {
	signer := r.Signer.Name
	switch {
	case !r.Signer.Valid:
		signer = strings.TrimSpace(signer + " NOT VALID")
	case r.Signer.Trusted:
		signer += ", whom you trust"
	default:
		signer += ", whose key you did not name"
	}
	trusted := 0
	for _, p := range r.Proven {
		if p.Trusted {
			trusted++
		}
	}
	rows := [][]string{
		{"origin", r.Origin},
		{"signed by", signer},
		{"files", fmt.Sprint(r.Files)},
		{"acts proven", fmt.Sprintf("%d, %d of them by a log that you trust", len(r.Proven), trusted)},
		{"without a proof", fmt.Sprint(len(r.Unproven))},
	}
	for _, p := range r.Problems {
		rows = append(rows, []string{"WRONG", p.String()})
	}
	if r.Sound() {
		rows = append(rows, []string{"result", "nothing was changed, and the parts agree"})
	}
	return columns(w, rows)
}

// ArchiveShowCmd is `kutse casefile show`.
type ArchiveShowCmd struct {
	ArchiveFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (ArchiveShowCmd) Help() string {
	return `Shows the case as the file says it, with what was checked. A case file that is not sound is not shown.

Example:
  kutse casefile show case.zip`
}

// Run prints the case.
func (c *ArchiveShowCmd) Run(out *Output) error {
	return c.read(func(a *casefile.Archive, r casefile.Report) error {
		if err := archiveVerdict(r, false); err != nil {
			return err
		}
		cs, err := a.Case()
		if err != nil {
			return err
		}
		standard, err := a.Standard()
		if err != nil {
			return err
		}
		return out.Value(cs, func(w io.Writer) error {
			return writeArchive(w, cs, postgres.Brought{Case: cs, Standard: standard, Report: r}.Prior())
		})
	})
}

func writeArchive(w io.Writer, c casefile.Case, p request.Prior) error {
	name := strings.TrimSpace(c.Candidate.Name + " " + c.Candidate.Contact)
	if c.Candidate.Erased {
		name = "erased"
	}
	if err := columns(w, [][]string{
		{"application", string(c.Application)},
		{"candidate", fmt.Sprintf("%s, %s", c.Candidate.ID, name)},
		{"origin", c.Origin},
		{"exported", instant(c.ExportedAt)},
		{"standard", fmt.Sprintf("%s, version %s", p.Title, c.Standard.Digest)},
		{"procedure", fmt.Sprintf("%s, version %s", c.Procedure.Name, c.Procedure.Digest)},
		{"opened", instant(c.OpenedAt)},
		{"state", string(c.State)},
		{"evidence", fmt.Sprint(len(c.Evidence))},
		{"acts", fmt.Sprint(len(c.Timeline))},
	}); err != nil {
		return err
	}
	return writeFound(w, p)
}

// ArchiveKeyCmd is `kutse casefile key`.
type ArchiveKeyCmd struct {
	Path string `arg:"" type:"path" help:"Where the file is to be."`
	Host string `required:"" placeholder:"HOST" help:"Host that the logs are named by: --log-host of kutse serve."`
}

// Help implements kong.HelpProvider.
func (ArchiveKeyCmd) Help() string {
	return `The door signs with it: kutse serve --casefile-key PATH. Publish the verifier key, which is printed: others give it to --trust and --key. A file that is there is never overwritten; whoever loses it makes another and publishes both.

Example:
  kutse casefile key /etc/casefile.key --host kutse.example`
}

// Run makes the file.
func (c *ArchiveKeyCmd) Run(out *Output) error {
	vkey, err := wire.MakeCaseFileKey(c.Path, c.Host)
	if err != nil {
		return err
	}
	return out.Value(map[string]string{"path": c.Path, "key": vkey}, func(w io.Writer) error {
		return columns(w, [][]string{{"file", c.Path}, {"key", vkey}})
	})
}
