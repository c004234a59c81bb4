// Package play plays applications through the door, as people would: a candidate
// with evidence, assessors with verdicts, a committee with its decision. The demo,
// the bench and the tests of the whole system are made of it.
package play

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// The people of the demonstration.
const (
	Operator  person.ID = "op"
	Candidate person.ID = "c1"
	Member    person.ID = "k1"
	Auditor   person.ID = "n1"
)

// OperatorName is what the first operator is called.
const OperatorName = "Olev Operaator"

// Assessors returns who assesses.
func Assessors() []person.ID { return []person.ID{"a1", "a2", "a3"} }

// Load puts the five standards, the default procedure and the people into the
// record, through the door. Every request has an id made of its content, so
// loading again changes nothing and a new content is a new request.
func Load(ctx context.Context, url string) error {
	op, err := client.Dial(url, Operator)
	if err != nil {
		return err
	}
	defer op.Close()
	for _, std := range catalogue.All() {
		text, err := std.YAML()
		if err != nil {
			return err
		}
		if err := load(ctx, op, "standard", "load", &request.LoadStandard{YAML: string(text)}); err != nil {
			return fmt.Errorf("loading %s: %w", std.Key, err)
		}
	}
	if err := load(ctx, op, "procedure", "load", &request.LoadProcedure{YAML: procedure.DefaultYAML()}); err != nil {
		return fmt.Errorf("loading the procedure: %w", err)
	}
	for _, p := range cast() {
		// Who was erased stays erased, also where the demonstration is started again.
		if err := AddPeople(ctx, op, p); err != nil && !errors.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}

// AddPeople makes people known, as the operator that op is.
func AddPeople(ctx context.Context, op *client.Client, people ...request.AddPerson) error {
	for _, p := range people {
		if err := load(ctx, op, "person", "add", &p); err != nil {
			return fmt.Errorf("adding %s: %w", p.Person, err)
		}
	}
	return nil
}

func cast() []request.AddPerson {
	people := []request.AddPerson{
		{Person: Candidate, Name: "Mari Maasikas", Contact: "mari@example.org", Roles: []person.Role{person.Candidate}},
		{Person: Member, Name: "Kaja Komisjon", Roles: []person.Role{person.Committee}},
		{Person: "k2", Name: "Kalle Komisjon", Roles: []person.Role{person.Committee}},
		{Person: "k3", Name: "Kristel Komisjon", Roles: []person.Role{person.Committee}},
		{Person: Auditor, Name: "Nele Nõukogu", Roles: []person.Role{person.Council}},
	}
	names := []string{"Hilja Hindaja", "Hanno Hindaja", "Hele Hindaja"}
	for n, id := range Assessors() {
		people = append(people, request.AddPerson{
			Person: id, Name: names[n], Roles: []person.Role{person.Assessor}, Scopes: scopes(n),
		})
	}
	return people
}

// scopes shares the competences of every standard out: the first two assessors
// take turns, the third may assess all.
func scopes(n int) []request.Scope {
	var all []request.Scope
	for _, std := range catalogue.All() {
		scope := request.Scope{Standard: std.Key}
		recurring := std.Recurring()
		for i, c := range std.Competences() {
			if (n == 2 || i%2 == n) && !slices.Contains(recurring, c.Code) {
				scope.Competences = append(scope.Competences, c.Code)
			}
		}
		all = append(all, scope)
	}
	return all
}

// loadable is a request whose id can be set.
type loadable interface {
	*request.LoadStandard | *request.LoadProcedure | *request.AddPerson
}

// load sends a request under an id that is made of its content.
func load[Q loadable](ctx context.Context, op *client.Client, resource, verb string, q Q) error {
	digest, err := canon.DigestOf(q)
	if err != nil {
		return err
	}
	acting := request.Acting{ID: uuid.NewSHA1(uuid.NameSpaceURL, digest[:]).String()}
	var act request.Act
	switch q := any(q).(type) {
	case *request.LoadStandard:
		q.Acting = acting
		act = *q
	case *request.LoadProcedure:
		q.Acting = acting
		act = *q
	case *request.AddPerson:
		q.Acting = acting
		act = *q
	}
	_, err = op.Act(ctx, person.Operator, resource, verb, act)
	return err
}
