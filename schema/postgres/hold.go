package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
	"github.com/kutse-dev/kutse/schema/reading"
)

var (
	insertHold = statement(`INSERT INTO legal_hold (id, person, ground, actor, at) VALUES ($1, $2, $3, $4, $5)`)
	insertLift = statement(`INSERT INTO legal_hold_lifted (hold, ground, actor, at) VALUES ($1, $2, $3, $4)`)
	getHold    = statement(`
SELECT h.person, l.at AS lifted FROM legal_hold h LEFT JOIN legal_hold_lifted l ON l.hold = h.id WHERE h.id = $1`)
	heldBy = statement(`SELECT person FROM legal_hold WHERE id = $1`)
	// lifted holds are few beside those that stand, or the person is named
	holdPage = statement(`
SELECT h.id, h.person, h.ground, h.actor, h.at, l.ground AS lift_ground, l.actor AS lift_actor, l.at AS lift_at
  FROM legal_hold h LEFT JOIN legal_hold_lifted l ON l.hold = h.id
 WHERE ($1 = '' OR h.person = $1) AND ($2 OR l.hold IS NULL) AND ($3 = '' OR h.id < NULLIF($3, '')::uuid)
 ORDER BY h.id DESC LIMIT $4`)
)

// maxGround bounds a ground or a reference, in bytes.
const maxGround = 4000

// heldFor is what a hold says in words, as it is sealed.
type heldFor struct {
	Ground    string `json:"ground"`
	Reference string `json:"reference"`
}

func holdField(id string) string { return "legal_hold." + id }

func liftField(id string) string { return "legal_hold_lifted." + id }

// PlaceHold keeps a person's data from erasure until the hold is lifted (GDPR Art
// 17(3)(e)). Why is sealed under the person's key, and the request is salted under
// it: after the erasure nothing tells whether words were these.
func (s *Store) PlaceHold(ctx context.Context, a Actor, req request.PlaceHold) (request.Receipt, error) {
	return s.act(ctx, a, "hold.place", "", req, func(ctx context.Context, c *change) error {
		if _, err := person.ParseID(string(req.Person)); err != nil {
			return err
		}
		if err := prose.Check("the ground", req.Ground, maxGround); err != nil {
			return err
		}
		if err := prose.Check("the reference", req.Reference, maxName); err != nil {
			return err
		}
		if err := c.lockKnown(ctx, req.Person); err != nil {
			return err
		}
		id := newID()
		why, err := canon.JSON(heldFor{req.Ground, req.Reference})
		if err != nil {
			return err
		}
		ground, err := c.sealer(ctx).Seal(req.Person, holdField(id), why)
		if err != nil {
			return gone(err, req.Person)
		}
		if _, err := c.ExecContext(ctx, insertHold, id, req.Person, ground, a.ID, c.at); err != nil {
			return err
		}
		c.receipt.Record, c.about = id, about{candidate: person.CandidateID(req.Person)}
		return c.recorded("legal_hold", id, row{"id": id, "person": req.Person, "ground": ground, "actor": a.ID, "at": c.at})
	})
}

// LiftHold ends a legal hold. Why is kept as [Store.PlaceHold] keeps it.
func (s *Store) LiftHold(ctx context.Context, a Actor, req request.LiftHold) (request.Receipt, error) {
	return s.act(ctx, a, "hold.lift", "", req, func(ctx context.Context, c *change) error {
		if err := request.CheckID("a hold's id", req.Hold); err != nil {
			return err
		}
		if err := prose.Check("the ground", req.Ground, maxGround); err != nil {
			return err
		}
		of, err := c.lockHold(ctx, req.Hold)
		if err != nil {
			return err
		}
		ground, err := c.sealer(ctx).Seal(of, liftField(req.Hold), []byte(req.Ground))
		if err != nil {
			return gone(err, of)
		}
		if _, err := c.ExecContext(ctx, insertLift, req.Hold, ground, a.ID, c.at); err != nil {
			return err
		}
		c.receipt.Record, c.about = req.Hold, about{candidate: person.CandidateID(of)}
		return c.recorded("legal_hold_lifted", req.Hold, row{"hold": req.Hold, "ground": ground, "actor": a.ID, "at": c.at})
	})
}

// lockHold finds whose hold it is that still stands, and locks that person: of two
// who lift it at once, one is told that it is lifted.
func (c *change) lockHold(ctx context.Context, id string) (person.ID, error) {
	var h struct {
		Person person.ID
		Lifted *time.Time
	}
	missing, err := noRows(c.GetContext(ctx, &h, getHold, id))
	if err != nil {
		return "", err
	}
	if missing {
		return "", fault.NotFound.New("there is no legal hold %s", id)
	}
	if err := c.lockKnown(ctx, h.Person); err != nil {
		return "", err
	}
	if err := c.GetContext(ctx, &h, getHold, id); err != nil {
		return "", err
	}
	if h.Lifted != nil {
		return "", fault.Conflict.New("the legal hold %s was lifted on %s", id, h.Lifted.UTC().Format(time.DateOnly))
	}
	return h.Person, nil
}

// maxHolds bounds a page of legal holds.
const maxHolds = 100

// LegalHolds lists legal holds, newest first: those that stand, or all. It says what
// they are for, so it is a reading of each person on the page.
func (s *Store) LegalHolds(ctx context.Context, a Actor, req request.HoldPage) (request.Holds, error) {
	page := request.Holds{Holds: []request.Hold{}}
	if req.After != "" {
		if err := request.CheckID("after", req.After); err != nil {
			return page, err
		}
	}
	if req.Limit <= 0 || req.Limit > maxHolds {
		req.Limit = maxHolds
	}
	err := s.readRecorded(ctx, a, func(t tx) (err error) {
		if page.Holds, page.Next, err = t.legalHolds(ctx, req); err != nil {
			return err
		}
		seen := map[person.ID]bool{}
		for _, h := range page.Holds {
			if seen[h.Person] {
				continue
			}
			seen[h.Person] = true
			if err := t.reading(ctx, a, "hold.list", reading.Audit, h.Person, ""); err != nil {
				return err
			}
		}
		return nil
	})
	return page, err
}

type holdRow struct {
	ID         string
	Person     person.ID
	Ground     []byte
	Actor      person.ID
	At         time.Time
	LiftGround []byte     `db:"lift_ground"`
	LiftActor  *person.ID `db:"lift_actor"`
	LiftAt     *time.Time `db:"lift_at"`
}

func (t tx) legalHolds(ctx context.Context, req request.HoldPage) (holds []request.Hold, next string, err error) {
	var rows []holdRow
	if err := t.SelectContext(ctx, &rows, holdPage, req.Person, req.Lifted, req.After, req.Limit); err != nil {
		return nil, "", err
	}
	holds = []request.Hold{}
	for _, r := range rows {
		h, err := t.hold(ctx, r)
		if err != nil {
			return nil, "", fmt.Errorf("legal hold %s: %w", r.ID, err)
		}
		holds = append(holds, h)
	}
	if len(rows) == req.Limit {
		next = rows[len(rows)-1].ID
	}
	return holds, next, nil
}

// hold opens what a hold says; where its person is erased, that is left out.
func (t tx) hold(ctx context.Context, r holdRow) (request.Hold, error) {
	h := request.Hold{Hold: r.ID, Person: r.Person, By: r.Actor, At: r.At.UTC()}
	why, err := t.sealer(ctx).Open(r.Person, holdField(r.ID), r.Ground)
	if err != nil && !erased(err) {
		return h, err
	}
	if err == nil {
		var words heldFor
		if err := json.Unmarshal(why, &words); err != nil {
			return h, err
		}
		h.Ground, h.Reference = words.Ground, words.Reference
	}
	if r.LiftAt == nil {
		return h, nil
	}
	h.Lifted = &request.LiftedHold{By: *r.LiftActor, At: r.LiftAt.UTC()}
	ground, err := t.sealer(ctx).Open(r.Person, liftField(r.ID), r.LiftGround)
	if err != nil && !erased(err) {
		return h, err
	}
	h.Lifted.Ground = string(ground)
	return h, nil
}
