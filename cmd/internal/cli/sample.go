package cli

import (
	"context"
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
  kutse council sample commit "internal audit 2026" --as nele`
}

// SampleCommitCmd is `kutse council sample commit`.
type SampleCommitCmd struct {
	Title    string `arg:"" help:"What the sample is for; no name."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (SampleCommitCmd) Help() string {
	return "Example:\n  kutse council sample commit \"internal audit 2026\" --as nele"
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
	From     MomentArg `required:"" placeholder:"TIME" help:"Cases that ended from this day or moment on."`
	To       MomentArg `required:"" placeholder:"TIME" help:"Cases that ended before this day or moment."`
	Standard string    `placeholder:"KEY" help:"Only cases of one standard."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (SampleDrawCmd) Help() string {
	return "Example:\n  kutse council sample draw $SAMPLE --size 20 --as nele \\\n    --from 2026-01-01 --to 2027-01-01"
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
	Sample string `arg:"" help:"Id that commit recorded."`
}

// Help implements kong.HelpProvider.
func (SampleShowCmd) Help() string {
	return `With --json also every case that there was to draw from.

Example:
  kutse council sample show $SAMPLE --as nele`
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
		{"cases ended", "from " + instant(d.From) + " to before " + instant(d.To)},
		{"population", strconv.Itoa(d.Population) + ", digest " + d.PopulationDigest.String()},
	}...)
	for _, c := range d.Cases {
		rows = append(rows, []string{"case", string(c.Application)})
	}
	return columns(w, rows)
}
