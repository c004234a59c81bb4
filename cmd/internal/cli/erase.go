package cli

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/retention"
)

// CouncilEraseCmd is `kutse council erase`.
type CouncilEraseCmd struct {
	Person    person.ID `arg:"" help:"Who is erased."`
	Ground    string    `required:"" enum:"request,term,order" placeholder:"GROUND" help:"request: the person asked; term: retention is over; order: of a court or a supervisory authority."`
	Reference string    `required:"" placeholder:"TEXT" help:"Of the request or the order in your own files; no name."`
	ActFlags  `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilEraseCmd) Help() string {
	return `Destroys the person's key, and with it names, texts, evidence and files, for good. Decisions and register entries stay under the opaque id, and the log still verifies. kutse council retention says what stands against it.

Example:
  kutse council erase mari --ground request --reference 12.3-4/17 --as nele`
}

// Run erases the person.
func (c *CouncilEraseCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "person", "erase", request.ErasePerson{
		Acting: id, Person: c.Person, Ground: retention.Ground(c.Ground), Reference: c.Reference,
	})
}
