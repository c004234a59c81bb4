package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/retention"
)

var (
	casesOfPeople = statement(`
SELECT a.candidate AS person, a.id AS application, a.state, a.procedure,
       (SELECT max(d.at) FROM decision d WHERE d.application = a.id) AS decided,
       (SELECT max(e.at) FROM event e WHERE e.application = a.id AND e.type = 'application.withdrawn.v1') AS withdrawn,
       (SELECT r.valid_to FROM register_entry r WHERE r.application = a.id) AS valid_to
  FROM application a WHERE a.candidate = ANY($1) ORDER BY a.candidate, a.id`)
	// An act as an assessor or a member is always on an application.
	dutiesOfPeople = statement(`
SELECT u.actor AS person, a.procedure, max(u.at) AS last
  FROM audit u JOIN application a ON a.id = u.application
 WHERE u.actor = ANY($1) AND u.role IN ('asr', 'com') GROUP BY 1, 2`)
	standingHolds = statement(`
SELECT h.person, h.id, h.at FROM legal_hold h
 WHERE h.person = ANY($1) AND NOT EXISTS (SELECT 1 FROM legal_hold_lifted l WHERE l.hold = h.id) ORDER BY h.at, h.id`)
	rolesOfPeople = statement(`SELECT person, role FROM person_role WHERE person = ANY($1)`)
	erasedAt      = statement(`SELECT at FROM erasure WHERE person = $1`)
)

// kept is what the terms of one person are counted from.
type kept struct {
	retention.Person
	holds []retention.Hold
	roles []person.Role
}

// kept reads what the terms of people are counted from: three rows or so for each
// case, and for each person the acts that they did as assessor or member.
func (t tx) kept(ctx context.Context, people []person.ID) (map[person.ID]*kept, error) {
	all := make(map[person.ID]*kept, len(people))
	for _, p := range people {
		all[p] = &kept{}
	}
	ids := pq.Array(people)
	if err := t.keptCases(ctx, ids, all); err != nil {
		return nil, err
	}
	if err := t.keptDuties(ctx, ids, all); err != nil {
		return nil, err
	}
	var holds []struct {
		Person person.ID
		ID     string
		At     time.Time
	}
	if err := t.SelectContext(ctx, &holds, standingHolds, ids); err != nil {
		return nil, err
	}
	for _, h := range holds {
		all[h.Person].holds = append(all[h.Person].holds, retention.Hold{ID: h.ID, Placed: h.At.UTC()})
	}
	var roles []struct {
		Person person.ID
		Role   person.Role
	}
	if err := t.SelectContext(ctx, &roles, rolesOfPeople, ids); err != nil {
		return nil, err
	}
	for _, r := range roles {
		all[r.Person].roles = append(all[r.Person].roles, r.Role)
	}
	return all, nil
}

func (t tx) keptCases(ctx context.Context, ids any, all map[person.ID]*kept) error {
	var rows []struct {
		Person      person.ID
		Application application.ID
		State       application.State
		Procedure   []byte
		Decided     *time.Time
		Withdrawn   *time.Time
		ValidTo     *time.Time `db:"valid_to"`
	}
	if err := t.SelectContext(ctx, &rows, casesOfPeople, ids); err != nil {
		return err
	}
	for _, r := range rows {
		proc, err := t.procedure(ctx, canon.Digest(r.Procedure))
		if err != nil {
			return err
		}
		c := retention.Case{Application: r.Application, State: r.State, Procedure: proc}
		if r.Decided != nil {
			c.Decided = r.Decided.UTC()
		}
		if r.Withdrawn != nil {
			c.Withdrawn = r.Withdrawn.UTC()
		}
		if r.ValidTo != nil {
			c.ValidTo = r.ValidTo.Format(time.DateOnly)
		}
		all[r.Person].Cases = append(all[r.Person].Cases, c)
	}
	return nil
}

func (t tx) keptDuties(ctx context.Context, ids any, all map[person.ID]*kept) error {
	var rows []struct {
		Person    person.ID
		Procedure []byte
		Last      time.Time
	}
	if err := t.SelectContext(ctx, &rows, dutiesOfPeople, ids); err != nil {
		return err
	}
	for _, r := range rows {
		proc, err := t.procedure(ctx, canon.Digest(r.Procedure))
		if err != nil {
			return err
		}
		all[r.Person].Duties = append(all[r.Person].Duties, retention.Duty{LastAct: r.Last.UTC(), Procedure: proc})
	}
	return nil
}

// keptOf is kept for one person, who must be known here.
func (t tx) keptOf(ctx context.Context, p person.ID) (*kept, error) {
	if _, err := person.ParseID(string(p)); err != nil {
		return nil, err
	}
	var known bool
	if err := t.GetContext(ctx, &known, isKnown, p); err != nil {
		return nil, err
	}
	if !known {
		return nil, fault.NotFound.New("there is no person %s here", p)
	}
	all, err := t.kept(ctx, []person.ID{p})
	return all[p], err
}

// erasedSince says when a person was erased; nil when they were not.
func (t tx) erasedSince(ctx context.Context, p person.ID) (*time.Time, error) {
	var at time.Time
	missing, err := noRows(t.GetContext(ctx, &at, erasedAt, p))
	if err != nil || missing {
		return nil, err
	}
	at = at.UTC()
	return &at, nil
}

// Retention says until when a person's data is kept, why, and what stands against
// erasing it. It says what legal holds are for, so it is a reading.
func (s *Store) Retention(ctx context.Context, a Actor, req request.OfPerson) (request.Retention, error) {
	out := request.Retention{Person: req.Person, Terms: []request.RetentionTerm{}, Holds: []request.Hold{}}
	err := s.readRecorded(ctx, a, func(t tx) error {
		k, err := t.keptOf(ctx, req.Person)
		if err != nil {
			return err
		}
		if err := t.reading(ctx, a, "retention.show", reading.Audit, req.Person, ""); err != nil {
			return err
		}
		terms, err := retention.Until(k.Person)
		if err != nil {
			return err
		}
		now := s.clock()
		for _, term := range terms {
			out.Terms = append(out.Terms, retentionTerm(term, now))
		}
		if out.Holds, _, err = t.legalHolds(ctx, request.HoldPage{Person: req.Person, Limit: maxHolds}); err != nil {
			return err
		}
		if out.Erased, err = t.erasedSince(ctx, req.Person); err != nil || out.Erased != nil {
			return err
		}
		against := retention.MayErase(now, terms, k.holds, retention.ByRequest)
		if against == nil {
			against, err = t.atWork(ctx, req.Person, now)
		}
		if out.Erasable = against == nil; !out.Erasable {
			out.Why = fault.Message(against)
		}
		return err
	})
	return out, err
}

func retentionTerm(term retention.Term, now time.Time) request.RetentionTerm {
	out := request.RetentionTerm{
		Class: term.Class, Application: term.Application, Over: term.Over(now), Reason: term.Reason, Rule: term.Rule,
	}
	if !term.Until.IsZero() {
		out.Until = &term.Until
	}
	return out
}

var peopleWithKeys = statement(`SELECT person FROM kutse_keys.data_key WHERE person > $1 ORDER BY person LIMIT $2`)

const (
	// maxDue bounds a page of people whose terms are over.
	maxDue = 100
	// dueBatch is how many people are looked at in one go, and dueLook how many for
	// one page: where few are due, a page holds few and says where to go on.
	dueBatch = 200
	dueLook  = 2000
)

// RetentionDue lists the people whose every term is over and who are not erased, in
// the order of their ids. A page looks at up to 2,000 people, and may hold nobody
// and yet have a next. Each batch of 200 of them costs four queries along indexes:
// in all, as many index look-ups as those people have cases and acts.
func (s *Store) RetentionDue(ctx context.Context, a Actor, req request.RetentionPage) (request.RetentionDue, error) {
	out := request.RetentionDue{People: []request.DuePerson{}}
	limit := bounded(req.Limit, maxDue)
	if req.After != "" {
		if _, err := person.ParseID(req.After); err != nil {
			return out, fault.Invalid.New("after is the next of the page before, not %.80q", req.After)
		}
	}
	err := s.read(ctx, a, func(t tx) error {
		for looked, after := 0, req.After; looked < dueLook; looked += dueBatch {
			var people []person.ID
			if err := t.SelectContext(ctx, &people, peopleWithKeys, after, dueBatch); err != nil || len(people) == 0 {
				return err
			}
			due, last, err := t.due(ctx, people, limit-len(out.People))
			if err != nil {
				return err
			}
			out.People, after = append(out.People, due...), string(last)
			out.Next = after
			if len(out.People) == limit {
				return nil
			}
			if len(people) < dueBatch {
				out.Next = "" // these were the last
				return nil
			}
		}
		return nil
	})
	return out, err
}

// due finds up to limit of people whose terms are over, and says who was looked at
// last.
func (t tx) due(ctx context.Context, people []person.ID, limit int) (due []request.DuePerson, last person.ID, err error) {
	all, err := t.kept(ctx, people)
	if err != nil {
		return nil, "", err
	}
	now := t.s.clock()
	for _, p := range people {
		k := all[p]
		terms, err := retention.Until(k.Person)
		if err != nil {
			return nil, "", err
		}
		if k.inOffice() || len(terms) == 0 || slices.ContainsFunc(terms, func(t retention.Term) bool { return !t.Over(now) }) {
			continue
		}
		due = append(due, request.DuePerson{Person: p, Since: terms[0].Until, Class: terms[0].Class, Held: len(k.holds) > 0})
		if len(due) == limit {
			return due, p, nil
		}
	}
	return due, people[len(people)-1], nil
}

// inOffice says whether a person has an office here that no term ends: the council
// and the operators, and assessors and members who have not acted yet. A clock must
// not erase them; the council may.
func (k *kept) inOffice() bool {
	return slices.ContainsFunc(k.roles, func(r person.Role) bool {
		return r == person.Council || r == person.Operator || (r != person.Candidate && len(k.Duties) == 0)
	})
}

var taskHeldNow = statement(`
SELECT id FROM task WHERE assessor = $1 AND state = 'claimed' AND lease_until >= $2 ORDER BY due_at, id LIMIT 1`)

// atWork says as a Conflict that a person holds a task. One whose lease ran out does
// not count: others may take it.
func (t tx) atWork(ctx context.Context, p person.ID, now time.Time) (against, err error) {
	var task string
	missing, err := noRows(t.GetContext(ctx, &task, taskHeldNow, p, now))
	if err != nil || missing {
		return nil, err
	}
	return fault.Conflict.New("%s holds the task %s: let them judge it or release it first, or wait until its lease runs out", p, task), nil
}
