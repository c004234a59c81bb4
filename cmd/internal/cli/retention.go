package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilRetentionCmd is `kutse council retention`.
type CouncilRetentionCmd struct {
	Person person.ID `arg:"" help:"Whose data."`
}

// Help implements kong.HelpProvider.
func (CouncilRetentionCmd) Help() string {
	return `Until when each class of a person's data is kept, and why.

Example:
  kutse council retention c-7f3a --as n-c46b`
}

// Run prints the terms.
func (c *CouncilRetentionCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	kept, err := asking[request.Retention](ctx, g, person.Council, "retention", "show", request.OfPerson{Person: c.Person})
	if err != nil {
		return err
	}
	return out.Value(kept, func(w io.Writer) error { return writeRetention(w, kept) })
}

func writeRetention(w io.Writer, r request.Retention) error {
	rows := [][]string{{"CLASS", "UNTIL", "APPLICATION", "REASON", "RULE"}}
	for _, t := range r.Terms {
		until := "the application ends"
		if t.Until != nil {
			until = instant(*t.Until)
		}
		rows = append(rows, []string{string(t.Class), until, string(t.Application), t.Reason, short(t.Rule, 60)})
	}
	if len(r.Terms) > 0 {
		if err := columns(w, rows); err != nil {
			return err
		}
	}
	if len(r.Holds) > 0 {
		if _, err := fmt.Fprint(w, "\nLegal holds:\n"); err != nil {
			return err
		}
		if err := columns(w, append([][]string{holdHeader}, holdRows(r.Holds)...)); err != nil {
			return err
		}
	}
	verdict := "May be erased now."
	switch {
	case r.Erased != nil:
		verdict = "Was erased at " + instant(*r.Erased) + "."
	case !r.Erasable:
		verdict = "May not be erased now: " + r.Why
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}

// CouncilDueCmd is `kutse council due`.
type CouncilDueCmd struct{}

// Help implements kong.HelpProvider.
func (CouncilDueCmd) Help() string { return "Example:\n  kutse council due --as n-c46b" }

// Run lists the people whose terms are over.
func (*CouncilDueCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.RetentionDue{People: []request.DuePerson{}}
	if err := pages(ctx, a, "retention", "due", func(after string) any {
		return request.RetentionPage{After: after}
	}, func(page request.RetentionDue) (string, error) {
		all.People = append(all.People, page.People...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	var rows [][]string
	for _, p := range all.People {
		held := "-"
		if p.Held {
			held = "legal hold"
		}
		rows = append(rows, []string{string(p.Person), instant(p.Since), string(p.Class), held})
	}
	return out.Table(all, []string{"PERSON", "SINCE", "CLASS", "HELD"}, rows, "Nobody's terms are over.")
}
