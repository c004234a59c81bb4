package cli

import (
	"context"
	"io"
	"strconv"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// inAnyRole asks what everybody may ask, in the first role that the person holds.
func inAnyRole[A any](ctx context.Context, g *Globals, resource, verb string, q any) (answer A, err error) {
	return inFirstRole[A](ctx, g, person.Roles(), resource, verb, q)
}

// inFirstRole asks in the first of several roles that the person holds.
func inFirstRole[A any](ctx context.Context, g *Globals, roles []person.Role, resource, verb string, q any) (answer A, err error) {
	a, err := g.dial(roles[0])
	if err != nil {
		return answer, err
	}
	defer a.Close()
	for _, a.role = range roles {
		if err = a.ask(ctx, resource, verb, q, &answer); fault.Of(err) != fault.Forbidden {
			return answer, err
		}
	}
	return answer, fault.Forbidden.Because(err, "%s holds no role in the record that may ask this; an operator can add one", a.UID())
}

// listLoaded prints the standards in the record.
func listLoaded(ctx context.Context, g *Globals, out *Output) error {
	list, err := inAnyRole[request.Standards](ctx, g, "standard", "list", request.Nothing{})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, l := range list.Standards {
		rows = append(rows, []string{l.Key, l.Version, strconv.Itoa(l.Competences), strconv.Itoa(l.Statements), l.Title})
	}
	return out.Table(list, []string{"KEY", "VERSION", "COMPETENCES", "STATEMENTS", "TITLE"}, rows,
		"There is no standard in the record. To put one there: kutse operator load-standard KEY")
}

// showLoaded prints the current version of a standard in the record.
func showLoaded(ctx context.Context, g *Globals, out *Output, key string) error {
	s, err := inAnyRole[catalogue.Standard](ctx, g, "standard", "show", request.OfStandard{Standard: key})
	if err != nil {
		return err
	}
	return out.Value(s, func(w io.Writer) error { return writeStandard(w, &s) })
}

func writeStandard(w io.Writer, s *catalogue.Standard) error {
	b, err := s.YAML()
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
