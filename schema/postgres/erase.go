package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
	"github.com/kutse-dev/kutse/schema/retention"
)

var (
	lockApplicationsOf = statement(`SELECT id FROM application WHERE candidate = $1 ORDER BY id FOR NO KEY UPDATE`)
	destroyKey         = statement(`DELETE FROM kutse_keys.data_key WHERE person = $1`)
	insertErasure      = statement(`INSERT INTO erasure (person, ground, reference, actor, at) VALUES ($1, $2, $3, $4, $5)`)
	erasedPeople       = statement(`SELECT person FROM erasure WHERE person > $1 ORDER BY person LIMIT $2`)
)

// ErasePerson destroys a person's key, and with it all that was sealed under it and
// every salt. What it leaves is the tombstone, [events.PersonErased], and the facts
// about the person under their opaque id. The files are the caller's to remove,
// after the receipt; a crash before that leaves what nobody can read, and
// EachErased finds it.
//
// The same request id again returns the receipt: it is salted under the actor's key.
func (s *Store) ErasePerson(ctx context.Context, a Actor, req request.ErasePerson) (request.Receipt, error) {
	return s.act(ctx, a, "person.erase", "", req, func(ctx context.Context, c *change) error {
		if err := checkErasure(a, req); err != nil {
			return err
		}
		if err := c.mayErase(ctx, req); err != nil {
			return err
		}
		return c.erase(ctx, req)
	})
}

func checkErasure(a Actor, req request.ErasePerson) error {
	if _, err := person.ParseID(string(req.Person)); err != nil {
		return err
	}
	if _, err := retention.ParseGround(string(req.Ground)); err != nil {
		return err
	}
	if req.Person == a.ID {
		return fault.Forbidden.New("nobody erases themselves: ask another member of the council")
	}
	return prose.Check("the reference", req.Reference, maxName)
}

// mayErase says what stands against erasing a person, with the person locked: what
// they have begun ends first, and what they begin waits and finds them erased.
func (c *change) mayErase(ctx context.Context, req request.ErasePerson) error {
	if err := c.lockKnown(ctx, req.Person); err != nil {
		return err
	}
	if err := c.lockCases(ctx, req.Person); err != nil {
		return err
	}
	c.at = c.s.clock() // it may have waited
	since, err := c.erasedSince(ctx, req.Person)
	if err != nil {
		return err
	}
	if since != nil {
		return fault.Conflict.New("%s was erased already, at %s", req.Person, since.Format(time.RFC3339))
	}
	if _, err := (txKeys{ctx, c.tx}).DataKey(req.Person); erased(err) {
		return nil // destroyed before, and the tombstone lost with a restore: nothing is left to be kept
	}
	k, err := c.keptOf(ctx, req.Person)
	if err != nil {
		return err
	}
	terms, err := retention.Until(k.Person)
	if err != nil {
		return err
	}
	if err := retention.MayErase(c.at, terms, k.holds, req.Ground); err != nil {
		return err
	}
	against, err := c.atWork(ctx, req.Person, c.at)
	if err != nil {
		return err
	}
	return against
}

// lockKnown locks a person who is known here for the rest of the transaction.
func (c *change) lockKnown(ctx context.Context, p person.ID) error {
	if _, err := c.ExecContext(ctx, lockPerson, p); err != nil {
		return err
	}
	var known bool
	if err := c.GetContext(ctx, &known, isKnown, p); err != nil {
		return err
	}
	if !known {
		return fault.NotFound.New("there is no person %s here", p)
	}
	return nil
}

// lockCases waits for acts on the person's applications, whoever is at them.
func (c *change) lockCases(ctx context.Context, p person.ID) error {
	var cases []string
	if err := c.SelectContext(ctx, &cases, lockApplicationsOf, p); err != nil {
		return fmt.Errorf("locking the applications of %s: %w", p, err)
	}
	return nil
}

func (c *change) erase(ctx context.Context, req request.ErasePerson) error {
	if _, err := c.ExecContext(ctx, destroyKey, req.Person); err != nil {
		return err
	}
	delete(c.keys, req.Person)
	reference, err := c.sealer(ctx).Seal(c.actor.ID, erasureField(req.Person), []byte(req.Reference))
	if err != nil {
		return gone(err, c.actor.ID)
	}
	if _, err := c.ExecContext(ctx, insertErasure, req.Person, req.Ground, reference, c.actor.ID, c.at); err != nil {
		return err
	}
	c.record(events.PersonErased{Person: req.Person, Ground: req.Ground})
	c.receipt.Record, c.about = string(req.Person), about{candidate: person.CandidateID(req.Person)}
	return c.recorded("erasure", string(req.Person), row{
		"person": req.Person, "ground": req.Ground, "reference": reference, "actor": c.actor.ID, "at": c.at,
	})
}

// erasureField is how the sealer knows the reference of an erasure, which is sealed
// under the key of who erased.
func erasureField(p person.ID) string { return "erasure." + string(p) }

// erasedBatch is how many erased people are read at once.
const erasedBatch = 1000

// EachErased hands every person over who was erased, in the order of their ids,
// outside of any transaction.
func (s *Store) EachErased(ctx context.Context, do func(person.ID) error) error {
	for after := person.ID(""); ; {
		var people []person.ID
		if err := s.transact(ctx, func(t tx) error {
			people = nil
			return t.SelectContext(ctx, &people, erasedPeople, after, erasedBatch)
		}); err != nil {
			return err
		}
		for _, p := range people {
			if err := do(p); err != nil {
				return err
			}
			after = p
		}
		if len(people) < erasedBatch {
			return nil
		}
	}
}
