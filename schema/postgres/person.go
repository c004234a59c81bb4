package postgres

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
)

// The fields of a person, as the sealer knows them.
const (
	nameField    = "person.name"
	contactField = "person.contact"
)

var (
	insertPerson = statement(`INSERT INTO person (id, name, contact, at) VALUES ($1, $2, $3, $4)`)
	insertRoles  = statement(`
INSERT INTO person_role (person, role, at) SELECT $1, r::role, $3 FROM unnest($2::text[]) AS r ON CONFLICT DO NOTHING RETURNING role`)
	insertScope = statement(`
INSERT INTO assessor_scope (assessor, standard, competence, at)
SELECT $1, $2, c, $4 FROM unnest($3::text[]) AS c ON CONFLICT DO NOTHING RETURNING competence`)
	countOperators = statement(`SELECT count(*) FROM person_role r WHERE role = 'adm' AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.person = r.person)`)
)

// maxName bounds a name or a contact, in bytes.
const maxName = 400

// AddPerson makes a person known, or gives one more roles and scopes. The name of
// a person who is known already stays as it is: facts are not rewritten.
func (s *Store) AddPerson(ctx context.Context, a Actor, req request.AddPerson) (request.Receipt, error) {
	return s.act(ctx, a, "person.add", "", req, func(ctx context.Context, c *change) error {
		if err := checkPerson(req); err != nil {
			return err
		}
		c.receipt.Record = string(req.Person)
		return c.addPerson(ctx, req)
	})
}

func checkPerson(req request.AddPerson) error {
	if _, err := person.ParseID(string(req.Person)); err != nil {
		return err
	}
	if err := prose.Check("the name", req.Name, maxName); err != nil {
		return err
	}
	if req.Contact != "" {
		if err := prose.Check("the contact", req.Contact, maxName); err != nil {
			return err
		}
	}
	if len(req.Roles) == 0 {
		return fault.Invalid.New("a person has at least one role")
	}
	for _, r := range req.Roles {
		if _, err := person.ParseRole(string(r)); err != nil {
			return err
		}
	}
	if len(req.Scopes) > 0 && !slices.Contains(req.Roles, person.Assessor) {
		return fault.Invalid.New("only an assessor has competences to assess")
	}
	return nil
}

func (c *change) addPerson(ctx context.Context, req request.AddPerson) error {
	isNew, err := c.meet(ctx, req.Person)
	if err != nil {
		return err
	}
	if isNew {
		if err := c.introduce(ctx, req); err != nil {
			return err
		}
	}
	var roles []person.Role
	if err := c.SelectContext(ctx, &roles, insertRoles, req.Person, pq.Array(req.Roles), c.at); err != nil {
		return err
	}
	for _, r := range roles {
		if err := c.recorded("person_role", string(req.Person)+"/"+string(r), row{"person": req.Person, "role": r, "at": c.at}); err != nil {
			return err
		}
	}
	for _, scope := range req.Scopes {
		if err := c.addScope(ctx, req.Person, scope); err != nil {
			return err
		}
	}
	return nil
}

// introduce records a person who is new here, with the key that meet made.
func (c *change) introduce(ctx context.Context, req request.AddPerson) error {
	name, err := c.sealer(ctx).Seal(req.Person, nameField, []byte(req.Name))
	if err != nil {
		return err
	}
	contact, err := c.sealer(ctx).Seal(req.Person, contactField, []byte(req.Contact))
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, insertPerson, req.Person, name, contact, c.at); err != nil {
		return err
	}
	if err := c.keep(ctx, req.Person); err != nil {
		return err
	}
	return c.recorded("person", string(req.Person), row{"id": req.Person, "name": name, "contact": contact, "at": c.at})
}

func (c *change) addScope(ctx context.Context, assessor person.ID, scope request.Scope) error {
	std, digest, err := c.namedStandard(ctx, scope.Standard)
	if err != nil {
		return err
	}
	codes := scope.Competences
	if len(codes) == 0 {
		for _, comp := range std.Competences() {
			codes = append(codes, comp.Code)
		}
	}
	for _, code := range codes {
		if _, group, ok := std.Competence(code); !ok || (len(scope.Competences) > 0 && group.Kind == catalogue.Recurring) {
			return fault.Invalid.New("%s is no competence of %s that has tasks of its own", code, std.Name())
		}
	}
	var added []string
	if err := c.SelectContext(ctx, &added, insertScope, assessor, digest[:], pq.Array(codes), c.at); err != nil || len(added) == 0 {
		return err
	}
	slices.Sort(added)
	return c.recorded("assessor_scope", string(assessor)+"/"+digest.String(),
		row{"assessor": assessor, "standard": digest, "competences": added, "at": c.at})
}

// FirstOperator makes the person who may load everything else, where the record
// has no operator yet; where it has one, it changes nothing. It is not reachable
// through the door.
func (s *Store) FirstOperator(ctx context.Context, id person.ID, name string) error {
	req := request.AddPerson{Person: id, Name: name, Roles: []person.Role{person.Operator}}
	if err := checkPerson(req); err != nil {
		return err
	}
	return s.transact(ctx, func(t tx) error {
		var operators int
		if err := t.GetContext(ctx, &operators, countOperators); err != nil || operators > 0 {
			return err
		}
		c := &change{tx: t, actor: system, name: "person.add", at: s.clock(), object: string(id)}
		if err := c.addPerson(ctx, req); err != nil {
			return err
		}
		return c.save(ctx)
	})
}
