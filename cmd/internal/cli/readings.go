package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// CandidateReadingsCmd is `kutse candidate readings`.
type CandidateReadingsCmd struct{}

// Help implements kong.HelpProvider.
func (CandidateReadingsCmd) Help() string {
	return `Every reading of your data by somebody else, with its purpose, newest first.

Example:
  kutse candidate readings --as mari`
}

// Run lists the readings.
func (*CandidateReadingsCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return printReadings(ctx, g, out, person.Candidate, "reading", "list", "Nobody read your data.",
		func(after string) any { return request.ReadingPage{After: after} })
}

// CouncilReadingsCmd is `kutse council readings`.
type CouncilReadingsCmd struct {
	Person      person.ID      `placeholder:"UID" help:"Only readings of one person's data."`
	Reader      person.ID      `placeholder:"UID" help:"Only readings by one person."`
	Application application.ID `placeholder:"ID" help:"Only readings of one application."`
	For         PurposeArg     `placeholder:"PURPOSE" help:"Only readings for one purpose."`
}

// Help implements kong.HelpProvider.
func (CouncilReadingsCmd) Help() string {
	return "Example:\n  kutse council readings --person mari --as nele"
}

// Run lists the readings.
func (c *CouncilReadingsCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return printReadings(ctx, g, out, person.Council, "get", "readings", "No reading is known.", func(after string) any {
		return request.ReadingSearch{Person: c.Person, Reader: c.Reader, Application: c.Application, Purpose: reading.Purpose(c.For), After: after}
	})
}

func printReadings(ctx context.Context, g *Globals, out *Output, role person.Role, resource, verb, empty string, ask func(string) any) error {
	a, err := g.dial(role)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.Readings{Rows: []request.Reading{}}
	if err := pages(ctx, a, resource, verb, ask, func(page request.Readings) (string, error) {
		all.Rows = append(all.Rows, page.Rows...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	var rows [][]string
	for _, r := range all.Rows {
		reader := string(r.Reader)
		if reader == "" {
			reader = "-"
		}
		rows = append(rows, []string{instant(r.At), string(r.Person), reader, string(r.Role), string(r.Purpose), r.What, string(r.Application)})
	}
	return out.Table(all, []string{"TIME", "PERSON", "READER", "ROLE", "PURPOSE", "WHAT", "APPLICATION"}, rows, empty)
}
