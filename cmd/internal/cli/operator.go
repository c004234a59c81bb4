package cli

import (
	"context"
	"io"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// OperatorCmd is `kutse operator`.
type OperatorCmd struct {
	AddPerson     OperatorAddPersonCmd     `cmd:"" help:"Make a person known, or give one more roles and scopes."`
	LoadStandard  OperatorLoadStandardCmd  `cmd:"" help:"Put a standard version into the record."`
	LoadProcedure OperatorLoadProcedureCmd `cmd:"" help:"Put an awarding procedure into the record."`
}

// Help implements kong.HelpProvider.
func (OperatorCmd) Help() string {
	return `The first operator is made by kutse migrate --operator.

Example:
  kutse operator load-standard it-manager-7 --as op-5e17`
}

// OperatorAddPersonCmd is `kutse operator add-person`.
type OperatorAddPersonCmd struct {
	Person   person.ID  `arg:"" name:"uid" help:"Id of the person, which must not tell who it is."`
	Name     string     `required:"" placeholder:"NAME" help:"Name of the person."`
	Contact  string     `placeholder:"TEXT" help:"How to reach them."`
	Role     []RoleArg  `required:"" placeholder:"ROLE" help:"candidate, assessor, committee, council or operator."`
	Scope    []ScopeArg `sep:"none" placeholder:"STANDARD[:CODE,CODE]" help:"What an assessor may assess."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (OperatorAddPersonCmd) Help() string {
	return `An id stands in the public log for ever, also after the person is erased, and must not tell who it is. A role or scope is given again for each further one.

Example:
  kutse operator add-person a-2b9e --name "Jaan Tamm" --as op-5e17 \
    --role assessor --scope it-manager-7:B.2.1,B.2.3`
}

// Run adds the person.
func (c *OperatorAddPersonCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	q := request.AddPerson{Acting: id, Person: c.Person, Name: c.Name, Contact: c.Contact}
	for _, r := range c.Role {
		q.Roles = append(q.Roles, person.Role(r))
	}
	for _, s := range c.Scope {
		q.Scopes = append(q.Scopes, request.Scope(s))
	}
	return acting(ctx, g, out, person.Operator, "person", "add", q)
}

// OperatorLoadStandardCmd is `kutse operator load-standard`.
type OperatorLoadStandardCmd struct {
	Standard string `arg:"" name:"key|file" help:"Key of a standard that comes with the program, or a file in YAML; - reads standard input."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (OperatorLoadStandardCmd) Help() string {
	return `The version loaded last is the current one. Applications that are open keep theirs.

Example:
  kutse operator load-standard it-manager-7 --as op-5e17`
}

// Run loads the standard.
func (c *OperatorLoadStandardCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	s, err := readStandard(c.Standard)
	if err != nil {
		return err
	}
	return c.load(ctx, g, out, s)
}

// load sends a standard through the door.
func (f ActFlags) load(ctx context.Context, g *Globals, out *Output, s *catalogue.Standard) error {
	id, err := f.acting()
	if err != nil {
		return err
	}
	text, err := s.YAML()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Operator, "standard", "load", request.LoadStandard{Acting: id, YAML: string(text)})
}

// OperatorLoadProcedureCmd is `kutse operator load-procedure`.
type OperatorLoadProcedureCmd struct {
	File     string `arg:"" name:"file" help:"The procedure in YAML; default for the one that comes with the program, - reads standard input."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (OperatorLoadProcedureCmd) Help() string {
	return `A procedure says who awards, under which provisions, in how many rounds and by when.

Example:
  kutse operator load-procedure default --as op-5e17`
}

// Run loads the procedure.
func (c *OperatorLoadProcedureCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	text := procedure.DefaultYAML()
	if c.File != "default" {
		if text, err = readInput(c.File, checkedProcedure); err != nil {
			return err
		}
	}
	return acting(ctx, g, out, person.Operator, "procedure", "load", request.LoadProcedure{Acting: id, YAML: text})
}

// checkedProcedure refuses here what the door would refuse.
func checkedProcedure(in io.Reader) (string, error) {
	text, err := wholeText(in)
	if err != nil {
		return "", err
	}
	_, err = procedure.Read([]byte(text))
	return text, err
}
