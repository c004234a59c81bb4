package cli

import (
	"context"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilTimelineCmd is `kutse council timeline`.
type CouncilTimelineCmd struct {
	Application  application.ID `arg:"" help:"Id of the application."`
	PurposeFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilTimelineCmd) Help() string {
	return "Example:\n  kutse council timeline $APP --as n-c46b"
}

// Run prints what happened.
func (c *CouncilTimelineCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.Timeline{Application: c.Application, Entries: []request.TimelineEntry{}}
	if err := pages(ctx, a, "get", "timeline", func(after string) any {
		return request.OfCase{Application: c.Application, Purpose: c.purpose(), After: after}
	}, func(page request.Timeline) (string, error) {
		all.Entries = append(all.Entries, page.Entries...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	var rows [][]string
	for _, e := range all.Entries {
		rows = append(rows, []string{instant(e.At), e.Actor, e.Role, e.Act, sealedAt(e.Sealed), e.What})
	}
	return out.Table(all, []string{"TIME", "ACTOR", "ROLE", "ACT", "LOG", "WHAT"}, rows, "Nothing happened.")
}

// sealedAt is a place in the log: 2026/17.
func sealedAt(s *request.Sealed) string {
	if s == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", s.Year, s.Position)
}
