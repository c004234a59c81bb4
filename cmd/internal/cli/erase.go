package cli

import (
	"context"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/retention"
)

// CouncilEraseCmd is `kutse council erase`.
type CouncilEraseCmd struct {
	Person    person.ID `arg:"" optional:"" help:"Who is erased."`
	Due       bool      `help:"Instead of one person, everybody whose terms are over and who is under no legal hold; lists them without --yes."`
	Yes       bool      `help:"With --due: erase them."`
	Ground    string    `required:"" enum:"request,term,order" placeholder:"GROUND" help:"request: the person asked; term: retention is over; order: of a court or a supervisory authority."`
	Reference string    `required:"" placeholder:"TEXT" help:"Of the request or the order in your own files: a number, and nothing personal. It is kept after the person is erased."`
	ActFlags  `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilEraseCmd) Help() string {
	return `Destroys the person's key, and with it names, texts, evidence and files, for good. Decisions and register entries stay under the opaque id, and the log still verifies. kutse council retention says what stands against it.

Example:
  kutse council erase c-7f3a --ground request --reference 12/17 --as n-c46b
  kutse council erase --due --yes --ground term --reference 12/18 --as n-c46b`
}

// Run erases the person, or everybody who is due.
func (c *CouncilEraseCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	if c.Due {
		return c.eraseDue(ctx, g, out)
	}
	if c.Person == "" || c.Yes {
		return fault.Invalid.New("name the person to erase, or give --due, and --yes only with it")
	}
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Council, "person", "erase", request.ErasePerson{
		Acting: id, Person: c.Person, Ground: retention.Ground(c.Ground), Reference: c.Reference,
	})
}

// dueLine is what became of one person whose terms are over.
type dueLine struct {
	request.DuePerson
	Erased  bool   `json:"erased"`
	Refused string `json:"refused,omitempty"`
}

// eraseDue asks page by page whose terms are over, and erases each by a request of
// its own: what was done stays done when one is refused or the connection breaks.
func (c *CouncilEraseCmd) eraseDue(ctx context.Context, g *Globals, out *Output) error {
	if c.Person != "" || c.ID != "" || c.Ground != string(retention.ByTerm) {
		return fault.Invalid.New("--due goes with --ground term, and with neither a person nor --id: each erasure has its own")
	}
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	erased, refused := 0, 0
	err = pages(ctx, a, "retention", "due", func(after string) any {
		return request.RetentionPage{After: after}
	}, func(page request.RetentionDue) (string, error) {
		for _, p := range page.People {
			line, err := c.eraseOne(ctx, a, p)
			if err != nil {
				return "", err
			}
			if line.Erased {
				erased++
			} else if line.Refused != "" {
				refused++
			}
			if err := out.Line(line, line.text()); err != nil {
				return "", err
			}
		}
		return page.Next, nil
	})
	out.Tell("%d erased, %d refused", erased, refused)
	return err
}

// eraseOne erases one person who is due, unless this only lists. A refusal is said
// and is not the end: somebody may have placed a hold meanwhile.
func (c *CouncilEraseCmd) eraseOne(ctx context.Context, a *asker, p request.DuePerson) (dueLine, error) {
	line := dueLine{DuePerson: p}
	if p.Held || !c.Yes {
		return line, nil
	}
	_, err := a.act(ctx, "person", "erase", request.ErasePerson{
		Acting: client.NewID(), Person: p.Person, Ground: retention.ByTerm, Reference: c.Reference,
	})
	switch fault.Of(err) {
	case fault.Conflict, fault.Forbidden, fault.NotFound:
		line.Refused = fault.Message(err)
		return line, nil
	case fault.Invalid, fault.Unavailable:
		return line, err
	}
	line.Erased = err == nil
	return line, err
}

func (l dueLine) text() string {
	what := "due since " + instant(l.Since)
	switch {
	case l.Erased:
		what = "erased"
	case l.Held:
		what = "under a legal hold"
	case l.Refused != "":
		what = "refused: " + l.Refused
	}
	return string(l.Person) + "  " + what
}
