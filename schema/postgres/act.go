package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Actor is who acts or reads, as the door made it out.
type Actor struct {
	ID   person.ID
	Role person.Role
}

// system is the actor of what a workflow does by itself. It holds no role.
var system = Actor{ID: person.System, Role: "system"}

// change is one act on its way into the record: who does what, to which
// application, and the facts that it makes true.
type change struct {
	tx
	actor   Actor
	name    string // evidence.submit
	request string // id that the client chose; "" for an act of the system
	asked   []byte // canonical form of what was asked
	salt    canon.Salt
	payload canon.Digest // of what was asked: salted where a person asked
	at      time.Time
	app     *applicationRow // locked; nil for an act that moves no application
	about   about           // what the audit row is about; of app, where that is set
	subject person.ID       // whom the request is about; empty for the candidate, where app is set, else the actor
	object  string          // what was recorded, for the audit row
	records []string        // each row recorded, with its digest
	facts   []fact
	receipt request.Receipt
}

// about says which application an act concerns that does not move it: a claim.
type about struct {
	application application.ID
	candidate   person.CandidateID
	standard    []byte // digest
}

type fact struct {
	event    events.Event
	position int
}

// record makes e a fact of this act and returns its place in the application's
// sequence (0 for an assessor's own fact).
func (c *change) record(e events.Event) int {
	position := 0
	if e.Key().Application != "" {
		c.app.Position++
		position = c.app.Position
	}
	c.facts = append(c.facts, fact{e, position})
	return position
}

// of is what every fact of the locked application says about it.
func (c *change) of() events.About {
	return events.About{Application: c.app.ID, Candidate: c.app.Candidate}
}

// newID makes the id of a new row: time-ordered, so that indexes stay compact.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// act runs one person's act. The same request id again, at once or years later,
// finds the receipt and changes nothing; with other content it is a Conflict.
// do makes the change; what it leaves in c.receipt.Record is what was recorded.
func (s *Store) act(ctx context.Context, a Actor, name string, app application.ID, req request.Act, do func(context.Context, *change) error) (request.Receipt, error) {
	if err := request.CheckID("the request's id", req.RequestID()); err != nil {
		return request.Receipt{}, err
	}
	asked, err := askedFor(name, req)
	if err != nil {
		return request.Receipt{}, err
	}
	var receipt request.Receipt
	err = s.transact(ctx, func(t tx) error {
		c := &change{tx: t, actor: a, name: name, request: req.RequestID(), asked: asked}
		if err := c.lock(ctx, app); err != nil {
			return err
		}
		c.at = s.clock() // under the lock, so that times of one application run with its positions
		if err := c.findSubject(ctx, req); err != nil {
			return err
		}
		known, err := c.known(ctx)
		if err != nil || known != nil {
			if known != nil {
				receipt = *known
			}
			return err
		}
		if app != "" && c.app == nil {
			return fault.NotFound.New("there is no application %s of yours", app)
		}
		if err := do(ctx, c); err != nil {
			return gone(err, c.whose())
		}
		if err := c.save(ctx); err != nil {
			return err
		}
		receipt = c.receipt
		return nil
	})
	if err != nil {
		return s.afterFailure(ctx, a, req, app, asked, err)
	}
	s.bell.ring()
	return receipt, nil
}

// askedFor is the canonical form of what is asked.
func askedFor(act string, req request.Act) ([]byte, error) {
	return canon.JSON(struct {
		Act     string `json:"act"`
		Request any    `json:"request"`
	}{act, req})
}

// actOn is act on an application, which the request has to name.
func (s *Store) actOn(ctx context.Context, a Actor, name string, app application.ID, req request.Act, do func(context.Context, *change) error) (request.Receipt, error) {
	if err := request.CheckID("an application's id", string(app)); err != nil {
		return request.Receipt{}, err
	}
	return s.act(ctx, a, name, app, req, do)
}

// afterFailure looks whether the act failed because the same request was recorded
// by another transaction meanwhile: then that one's receipt is the answer. This
// is what makes the same request harmless when it comes twice at once.
func (s *Store) afterFailure(ctx context.Context, a Actor, req request.Act, app application.ID, asked []byte, cause error) (request.Receipt, error) {
	if ctx.Err() != nil || errors.Is(cause, fault.Unavailable) {
		return request.Receipt{}, cause
	}
	receipt, err := s.receiptOf(ctx, a, req, app, asked)
	switch {
	case receipt != nil:
		return *receipt, nil
	case errors.Is(err, fault.Conflict):
		return request.Receipt{}, err
	case errors.Is(cause, errReceiptExists):
		return request.Receipt{}, fault.Unavailable.Because(cause, "try again")
	}
	return request.Receipt{}, cause
}

// receiptOf finds the receipt of a request that was recorded before; nil for none.
func (s *Store) receiptOf(ctx context.Context, a Actor, req request.Act, app application.ID, asked []byte) (*request.Receipt, error) {
	var receipt *request.Receipt
	err := s.transact(ctx, func(t tx) error {
		c := &change{tx: t, actor: a, request: req.RequestID(), asked: asked}
		err := c.findSubject(ctx, req)
		if err == nil && app != "" {
			c.app, err = oneApplication(ctx, t, getApplication, app)
		}
		if err != nil {
			return err
		}
		receipt, err = c.known(ctx)
		return err
	})
	return receipt, err
}

// systemAct runs an act of a workflow. It has no request id: what makes it harmless
// twice is the unique constraint that each such act names in its comment.
func (s *Store) systemAct(ctx context.Context, name string, app application.ID, payload any, do func(context.Context, *change) error) error {
	digest, err := canon.DigestOf(payload)
	if err != nil {
		return err
	}
	changed := false
	err = s.transact(ctx, func(t tx) error {
		c := &change{tx: t, actor: system, name: name, payload: digest}
		if err := c.lock(ctx, app); err != nil {
			return err
		}
		c.at = s.clock()
		if c.app == nil {
			return fault.NotFound.New("there is no application %s", app)
		}
		if err := do(ctx, c); err != nil {
			return err
		}
		changed = len(c.facts) > 0
		if !changed {
			return nil
		}
		return c.save(ctx)
	})
	if err == nil && changed {
		s.bell.ring()
	}
	return err
}

type receiptRow struct {
	Holds  bool           `db:"holds"`
	Erased bool           `db:"erased"`
	Digest []byte         `db:"digest"`
	Body   sql.NullString `db:"body"`
}

var findReceipt = statement(`
SELECT EXISTS (SELECT 1 FROM person_role WHERE person = $1 AND role::text = $2) AS holds,
       EXISTS (SELECT 1 FROM erasure WHERE person = $1) AS erased, r.digest, r.body
  FROM (SELECT 1) AS one LEFT JOIN receipt r ON r.person = $1 AND r.request = $3`)

// known checks that the actor holds the role, and finds the receipt of the same
// request if there is one. It runs after the application's row is locked, so that
// of two equal requests at once the second sees the first.
func (c *change) known(ctx context.Context) (*request.Receipt, error) {
	var row receiptRow
	if err := c.GetContext(ctx, &row, findReceipt, c.actor.ID, c.actor.Role, c.request); err != nil {
		return nil, fmt.Errorf("looking for receipt %s: %w", c.request, err)
	}
	switch {
	case !row.Holds:
		return nil, forbidRole(c.actor)
	case row.Erased:
		return nil, fault.Conflict.New("%s was erased: who was erased acts here no more", c.actor.ID)
	}
	if !row.Body.Valid {
		return nil, nil
	}
	var receipt request.Receipt
	if err := json.Unmarshal([]byte(row.Body.String), &receipt); err != nil {
		return nil, fmt.Errorf("reading receipt %s: %w", c.request, err)
	}
	if err := c.salted(ctx); err != nil {
		return nil, err
	}
	if canon.Digest(row.Digest) != c.payload {
		return nil, fault.Conflict.New("request %s was recorded with other content; use a new id for a new request", c.request)
	}
	receipt.Salt = c.salt
	return &receipt, nil
}

// salted makes the payload: the digest of what was asked, salted under the key of
// the person whose data it may hold. Only the salt is needed to recompute it, so
// the receipt gives it away.
func (c *change) salted(ctx context.Context) (err error) {
	if c.salt, err = c.sealer(ctx).Salt(c.whose(), "request."+c.request); err != nil {
		return gone(err, c.whose())
	}
	c.payload = canon.SaltedSum(c.salt, c.asked)
	return nil
}

// findSubject finds whom a request is about that is about no application and not
// about the actor. The record knows whom a hold is on that is lifted.
func (c *change) findSubject(ctx context.Context, req request.Act) error {
	switch req := req.(type) {
	case request.AddPerson:
		c.subject = req.Person
	case request.PlaceHold:
		c.subject = req.Person
	case request.LiftHold:
		if request.CheckID("a hold's id", req.Hold) != nil {
			return nil // the act refuses it
		}
		_, err := noRows(c.GetContext(ctx, &c.subject, heldBy, req.Hold))
		return err
	}
	return nil
}

// whose is the person whose key salts the request: the candidate where it is about
// an application, else whom it is about, else the actor. Words about a person go
// under no other key: whoever has the digest could try words for ever, also after
// the erasure.
func (c *change) whose() person.ID {
	switch {
	case c.app != nil:
		return person.ID(c.app.Candidate)
	case c.subject != "":
		return c.subject
	}
	return c.actor.ID
}

func forbidRole(a Actor) error {
	return fault.Forbidden.New("%s does not hold the role %s here", a.ID, a.Role)
}

// saveAct writes all that an act leaves beside its own tables, in one round trip:
// where the application stands, the audit row, the facts, their place in the
// outbox, and the receipt. receipt_once makes the same request a conflict here,
// whatever happened before.
var saveAct = statement(`
WITH app AS (
  UPDATE application SET position = $2, state = $3::application_state WHERE id = $1::uuid
), trail AS (
  INSERT INTO audit (at, id, actor, role, act, application, candidate, standard, object, position, request, payload, records)
  VALUES ($4, $5::uuid, $6, $7, $8, NULLIF($21, '')::uuid, NULLIF($22, ''), NULLIF($23, ''), $9, $10, $11, $12, $24)
), news AS (
  INSERT INTO event (id, application, position, type, order_key, subject, body, at)
  SELECT f.id, NULLIF(f.application, '')::uuid, f.position, f.type, f.order_key, f.subject, f.body, $4
    FROM unnest($13::uuid[], $14::text[], $15::int[], $16::text[], $17::text[], $18::text[], $19::text[])
      AS f (id, application, position, type, order_key, subject, body)
), post AS (
  INSERT INTO outbox (at, event)
  SELECT $4, f.id FROM unnest($13::uuid[]) WITH ORDINALITY AS f (id, n) ORDER BY f.n
)
INSERT INTO receipt (person, request, digest, body, at)
SELECT $6, $11, $12, $20, $4 WHERE $11 <> ''`)

func (c *change) save(ctx context.Context) error {
	appID, state, position := (*string)(nil), application.Gathering, 0
	if c.app != nil {
		id := string(c.app.ID)
		appID, state, position = &id, c.app.State, c.app.Position
		c.about = about{c.app.ID, c.app.Candidate, c.app.Standard}
	}
	standard, err := c.aboutStandard(ctx)
	if err != nil {
		return err
	}
	auditPosition := 0
	if len(c.facts) > 0 {
		auditPosition = c.facts[0].position
	}
	cols, err := c.columns()
	if err != nil {
		return err
	}
	if c.request != "" {
		if err := c.salted(ctx); err != nil {
			return err
		}
	}
	body, err := c.finishReceipt(auditPosition)
	if err != nil {
		return err
	}
	if c.object == "" {
		c.object = c.receipt.Record
	}
	id := newID()
	if err := c.checkEntry(leafRow{ID: id, Standard: sql.NullString{String: standard}, Position: auditPosition}); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, saveAct, appID, position, state,
		c.at, id, c.actor.ID, c.actor.Role, c.name, c.object, auditPosition, c.request, c.payload[:],
		pq.Array(cols.ids), pq.Array(cols.applications), pq.Array(cols.positions), pq.Array(cols.types),
		pq.Array(cols.orderKeys), pq.Array(cols.subjects), pq.Array(cols.bodies), body,
		c.about.application, c.about.candidate, standard, pq.Array(append([]string{}, c.records...)))
	if err != nil {
		return fmt.Errorf("saving %s: %w", c.name, err)
	}
	c.receipt.Salt = c.salt // not stored: it can be had only with the person's key
	return nil
}

// aboutStandard is the key of the standard that the act concerns; empty for none.
func (c *change) aboutStandard(ctx context.Context) (string, error) {
	if c.about.standard == nil {
		return "", nil
	}
	std, err := c.standard(ctx, canon.Digest(c.about.standard))
	if err != nil {
		return "", err
	}
	return std.Key, nil
}

type eventColumns struct {
	ids, applications, types, orderKeys, subjects, bodies []string
	positions                                             []int64
}

func (c *change) columns() (eventColumns, error) {
	var cols eventColumns
	for _, f := range c.facts {
		id := newID()
		env, err := events.Wrap(id, f.event, c.at, f.position, c.request)
		if err != nil {
			return cols, err
		}
		body, err := json.Marshal(env)
		if err != nil {
			return cols, err
		}
		key := f.event.Key()
		c.records = append(c.records, "event "+id+" "+canon.Sum(body).String())
		cols.ids = append(cols.ids, id)
		cols.applications = append(cols.applications, string(key.Application))
		cols.positions = append(cols.positions, int64(f.position))
		cols.types = append(cols.types, f.event.Type())
		cols.orderKeys = append(cols.orderKeys, key.Subject())
		cols.subjects = append(cols.subjects, events.Subject(f.event))
		cols.bodies = append(cols.bodies, string(body))
	}
	return cols, nil
}

func (c *change) finishReceipt(position int) (string, error) {
	c.receipt.Request, c.receipt.Digest, c.receipt.At, c.receipt.Position = c.request, c.payload, c.at, position
	if c.app != nil {
		c.receipt.Application = c.app.ID
	}
	body, err := json.Marshal(c.receipt)
	return string(body), err
}
