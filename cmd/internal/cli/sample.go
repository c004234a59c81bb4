package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilSampleCmd is `kutse council sample`.
type CouncilSampleCmd struct {
	Commit SampleCommitCmd `cmd:"" help:"Commit to a seed."`
	Draw   SampleDrawCmd   `cmd:"" help:"Disclose the seed and draw cases."`
	Show   SampleShowCmd   `cmd:"" help:"Read a sample."`
}

// Help implements kong.HelpProvider.
func (CouncilSampleCmd) Help() string {
	return `First commit, then say which cases: so nobody can say that they were picked. Anyone draws the sample again with sha256sum.

Example:
  kutse council sample commit "internal audit 2026" --as n-c46b`
}

// SampleCommitCmd is `kutse council sample commit`.
type SampleCommitCmd struct {
	Title    string `arg:"" help:"What the sample is for; no name."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (SampleCommitCmd) Help() string {
	return "Example:\n  kutse council sample commit \"internal audit 2026\" --as n-c46b"
}

// Run commits to a seed.
func (c *SampleCommitCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "sample", "commit", request.CommitSample{Acting: id, Title: c.Title})
}

// SampleDrawCmd is `kutse council sample draw`.
type SampleDrawCmd struct {
	Sample   string    `arg:"" help:"Id that commit recorded."`
	Size     int       `required:"" placeholder:"N" help:"How many cases."`
	From     MomentArg `required:"" placeholder:"TIME" help:"Cases that were opened from this day or moment on; not before the commitment."`
	To       MomentArg `required:"" placeholder:"TIME" help:"Cases that were opened before this day or moment, a minute ago or more."`
	Standard string    `placeholder:"KEY" help:"Only cases of one standard."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (SampleDrawCmd) Help() string {
	return "Example:\n  kutse council sample draw $SAMPLE --size 20 --as n-c46b \\\n    --from 2026-01-01 --to 2027-01-01"
}

// Run draws the sample.
func (c *SampleDrawCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "sample", "draw", request.DrawSample{
		Acting: id, Sample: c.Sample, Standard: c.Standard, From: c.From.Time, To: c.To.Time, Size: c.Size,
	})
}

// SampleShowCmd is `kutse council sample show`.
type SampleShowCmd struct {
	Sample  string `arg:"" help:"Id that commit recorded."`
	Members bool   `help:"Print only the cases that there were to draw from, one a line."`
}

// Help implements kong.HelpProvider.
func (SampleShowCmd) Help() string {
	return `Says how anyone draws the sample again without this software.

Example:
  kutse council sample show $SAMPLE --as n-c46b
  kutse council sample show $SAMPLE --members --as n-c46b > ids`
}

// Run prints the sample, with the whole population.
func (c *SampleShowCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	var whole request.Sample
	if err := pages(ctx, a, "sample", "show", func(after string) any {
		return request.OfSample{Sample: c.Sample, After: after}
	}, func(page request.Sample) (string, error) {
		if page.Drawn == nil {
			whole = page
			return "", nil
		}
		next := page.Drawn.Next
		page.Drawn.Next = ""
		if whole.Drawn != nil {
			page.Drawn.Members = append(whole.Drawn.Members, page.Drawn.Members...)
		}
		whole = page
		return next, nil
	}); err != nil {
		return err
	}
	if c.Members && !out.JSON {
		return out.Value(whole, func(w io.Writer) error { return writeMembers(w, whole) })
	}
	return out.Value(whole, func(w io.Writer) error { return writeSample(w, whole) })
}

func writeSample(w io.Writer, s request.Sample) error {
	rows := [][]string{
		{"sample", s.Sample},
		{"title", s.Title},
		{"commitment", s.Commitment.String()},
		{"committed", instant(s.At) + " by " + string(s.By)},
	}
	d := s.Drawn
	if d == nil {
		return columns(w, append(rows, []string{"drawn", "not yet"}))
	}
	standard := d.Standard
	if standard == "" {
		standard = "all"
	}
	rows = append(rows, [][]string{
		{"drawn", instant(d.At) + " by " + string(d.By)},
		{"seed", d.Seed.String()},
		{"standard", standard},
		{"cases opened", "from " + instant(d.From) + " to before " + instant(d.To)},
		{"population", strconv.Itoa(d.Population) + ", digest " + d.PopulationDigest.String()},
	}...)
	for _, c := range d.Cases {
		rows = append(rows, []string{"case", string(c.Application)})
	}
	if err := columns(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, drawAgain, s.Sample, d.Seed, d.Size)
	return err
}

// drawAgain is how anyone draws a sample again (schema/sample).
const drawAgain = `
To draw it again, with nothing but a shell, xxd and sha256sum:
  kutse council sample show %[1]s --members > ids
  SEED=%[2]s
  printf %%s $SEED | xxd -r -p | sha256sum     # is the commitment
  LC_ALL=C sort -u ids | sha256sum            # is the digest of the population
  while read -r id; do
    { printf %%s $SEED | xxd -r -p; printf %%s "$id"; } | sha256sum | sed "s/ .*/ $id/"
  done < ids | LC_ALL=C sort | head -n %[3]d   # are the cases
`

// writeMembers writes what a sample was drawn from.
func writeMembers(w io.Writer, s request.Sample) error {
	if s.Drawn == nil {
		return nil
	}
	for _, id := range s.Drawn.Members {
		if _, err := fmt.Fprintln(w, id); err != nil {
			return err
		}
	}
	return nil
}
