package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilHoldCmd is `kutse council hold`.
type CouncilHoldCmd struct {
	Place HoldPlaceCmd `cmd:"" help:"Keep a person's data from erasure."`
	Lift  HoldLiftCmd  `cmd:"" help:"Lift a legal hold."`
	List  HoldListCmd  `cmd:"" help:"List legal holds."`
}

// Help implements kong.HelpProvider.
func (CouncilHoldCmd) Help() string {
	return `While a legal hold stands, nobody erases the person, whatever the ground.

Example:
  kutse council hold list --as n-c46b`
}

// HoldPlaceCmd is `kutse council hold place`.
type HoldPlaceCmd struct {
	Person    person.ID `arg:"" help:"Whose data is kept."`
	Ground    string    `required:"" placeholder:"TEXT" help:"Which claim or proceeding needs the data."`
	Reference string    `required:"" placeholder:"TEXT" help:"Of the claim or proceeding."`
	ActFlags  `embed:""`
}

// Help implements kong.HelpProvider.
func (HoldPlaceCmd) Help() string {
	return "Example:\n  kutse council hold place c-7f3a --reference 3-26-1234 --as n-c46b \\\n    --ground \"An action against the refusal is pending.\""
}

// Run places the hold.
func (c *HoldPlaceCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "hold", "place",
		request.PlaceHold{Acting: id, Person: c.Person, Ground: c.Ground, Reference: c.Reference})
}

// HoldLiftCmd is `kutse council hold lift`.
type HoldLiftCmd struct {
	Hold     string `arg:"" help:"Id that place recorded."`
	Ground   string `required:"" placeholder:"TEXT" help:"Why the data is no longer needed."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (HoldLiftCmd) Help() string {
	return "Example:\n  kutse council hold lift $HOLD --ground \"The judgment is final.\" --as n-c46b"
}

// Run lifts the hold.
func (c *HoldLiftCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "hold", "lift", request.LiftHold{Acting: id, Hold: c.Hold, Ground: c.Ground})
}

// HoldListCmd is `kutse council hold list`.
type HoldListCmd struct {
	Person person.ID `placeholder:"UID" help:"Only those of one person."`
	Lifted bool      `help:"Also those that were lifted."`
}

// Help implements kong.HelpProvider.
func (HoldListCmd) Help() string { return "Example:\n  kutse council hold list --as n-c46b" }

// Run lists the holds.
func (c *HoldListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	all := request.Holds{Holds: []request.Hold{}}
	if err := pages(ctx, a, "hold", "list", func(after string) any {
		return request.HoldPage{Person: c.Person, Lifted: c.Lifted, After: after}
	}, func(page request.Holds) (string, error) {
		all.Holds = append(all.Holds, page.Holds...)
		return page.Next, nil
	}); err != nil {
		return err
	}
	return out.Table(all, holdHeader, holdRows(all.Holds), "No legal hold stands.")
}

var holdHeader = []string{"HOLD", "PERSON", "PLACED", "BY", "LIFTED", "REFERENCE", "GROUND"}

func holdRows(holds []request.Hold) [][]string {
	var rows [][]string
	for _, h := range holds {
		lifted := "-"
		if h.Lifted != nil {
			lifted = instant(h.Lifted.At)
		}
		rows = append(rows, []string{h.Hold, string(h.Person), instant(h.At), string(h.By), lifted, h.Reference, short(h.Ground, 40)})
	}
	return rows
}
