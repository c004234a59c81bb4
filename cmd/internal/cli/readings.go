package cli

import (
	"context"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// CandidateReadingsCmd is `kutse candidate readings`.
type CandidateReadingsCmd struct{}

// Help implements kong.HelpProvider.
func (CandidateReadingsCmd) Help() string {
	return `Every reading of your data by somebody else, with its purpose, newest first. Readers are named by their opaque ids, as in the log.

Example:
  kutse candidate readings --as c-7f3a`
}

// Run lists the readings.
func (*CandidateReadingsCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Candidate)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.Readings{Rows: []request.Reading{}}
	if err := pages(ctx, a, "reading", "list", func(after string) any {
		return request.ReadingPage{After: after}
	}, func(page request.Readings) (string, error) {
		all.Rows = append(all.Rows, page.Rows...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	var rows [][]string
	for _, r := range all.Rows {
		cells := readingCells(r)
		rows = append(rows, append(cells[:1:1], cells[2:]...))
	}
	return out.Table(all, []string{"TIME", "READER", "ROLE", "PURPOSE", "WHAT", "APPLICATION"}, rows, "Nobody read your data.")
}

// CouncilReadingsCmd is `kutse council readings`.
type CouncilReadingsCmd struct {
	Person      person.ID      `placeholder:"UID" help:"Only readings of one person's data."`
	Reader      person.ID      `placeholder:"UID" help:"Only readings by one person."`
	Application application.ID `placeholder:"ID" help:"Only readings of one application."`
	For         PurposeArg     `placeholder:"PURPOSE" help:"Only readings for one purpose."`
	CSVFlag     `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilReadingsCmd) Help() string {
	return `Newest first. Rows are printed as they come, all pages, with --json one object a line. A person sees that their readings were read.

Example:
  kutse council readings --person c-7f3a --as n-c46b
  kutse council readings --reader a-2b9e --csv --as n-c46b > readings.csv`
}

// Run streams the readings.
func (c *CouncilReadingsCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	rows, err := c.newStream(out, []string{"TIME", "PERSON", "READER", "ROLE", "PURPOSE", "WHAT", "APPLICATION"}, []int{23, 16, 16, 4, 14, 18},
		[]string{"time", "id", "person", "reader", "role", "purpose", "what", "application"})
	if err != nil {
		return err
	}
	return pages(ctx, a, "get", "readings", func(after string) any {
		return request.ReadingSearch{Person: c.Person, Reader: c.Reader, Application: c.Application, Purpose: reading.Purpose(c.For), After: after}
	}, func(page request.Readings) (string, error) {
		for _, r := range page.Rows {
			cells := readingCells(r)
			if err := rows.row(r, cells, append([]string{r.At.UTC().Format(time.RFC3339Nano), r.ID}, cells[1:]...)); err != nil {
				return "", err
			}
		}
		return page.Next, rows.end()
	})
}

func readingCells(r request.Reading) []string {
	return []string{instant(r.At), string(r.Person), string(r.Reader), string(r.Role), string(r.Purpose), r.What, string(r.Application)}
}
