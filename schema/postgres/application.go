package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// applicationRow is an application as it stands.
type applicationRow struct {
	ID        application.ID     `db:"id"`
	Candidate person.CandidateID `db:"candidate"`
	Standard  []byte             `db:"standard"`
	Procedure []byte             `db:"procedure"`
	OpenedAt  time.Time          `db:"opened_at"`
	State     application.State  `db:"state"`
	Position  int                `db:"position"`
}

var (
	// What the condition locks is locked before the row is.
	lockApplication = statement(`
WITH actor AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(hashtextextended('person/' || $2, 0)))
SELECT id, candidate, standard, procedure, opened_at, state, position FROM application
 WHERE id = $1::uuid AND EXISTS (SELECT FROM actor) FOR NO KEY UPDATE`)
	getApplication = statement(`
SELECT id, candidate, standard, procedure, opened_at, state, position FROM application WHERE id = $1::uuid`)
)

var lockRequest = statement(`
SELECT pg_advisory_xact_lock_shared(hashtextextended('person/' || $1, 0)), pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))`)

// lock takes the application's row for the rest of the transaction: facts of one
// application are recorded one after the other. An unknown id leaves c.app nil.
// Where there is no application, the same request waits for itself: of two copies
// at once, the second finds the first one's receipt.
//
// Before that it keeps the actor from being erased meanwhile: an erasure takes the
// same lock alone, and what waited for it finds the actor erased. The order is a
// person, then rows of applications, as an erasure has it, so that neither waits
// for what the other holds.
func (c *change) lock(ctx context.Context, id application.ID) error {
	if id == "" {
		_, err := c.ExecContext(ctx, lockRequest, c.actor.ID, c.request)
		return err
	}
	row, err := oneApplication(ctx, c.tx, lockApplication, id, c.actor.ID)
	c.app = row
	return err
}

// oneApplication returns nil where there is none. The id is the first parameter of
// the query, which may have more.
func oneApplication(ctx context.Context, t tx, query string, id application.ID, more ...any) (*applicationRow, error) {
	if err := request.CheckID("an application's id", string(id)); err != nil {
		return nil, err
	}
	var row applicationRow
	err := t.GetContext(ctx, &row, query, append([]any{id}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading application %s: %w", id, err)
	}
	return &row, nil
}

// own says whether the locked application is the actor's, as NotFound: whose it
// is, is nobody else's business.
func (c *change) own() error {
	if person.ID(c.app.Candidate) != c.actor.ID {
		return fault.NotFound.New("there is no application %s of yours", c.app.ID)
	}
	return nil
}

// rules reads the standard and the procedure that the application is pinned to.
func (t tx) rules(ctx context.Context, app *applicationRow) (*catalogue.Standard, *procedure.Procedure, error) {
	std, err := t.standard(ctx, canon.Digest(app.Standard))
	if err != nil {
		return nil, nil, err
	}
	proc, err := t.procedure(ctx, canon.Digest(app.Procedure))
	return std, proc, err
}

var insertApplication = statement(`
INSERT INTO application (id, candidate, standard, procedure, opened_at, state, position)
VALUES ($1, $2, $3, $4, $5, 'gathering', 1)`)

// OpenApplication opens an application for the standard's current version under
// a procedure that awards it; both are pinned by digest. A standard that nobody
// awards refuses applications (domain.md 3.1).
func (s *Store) OpenApplication(ctx context.Context, a Actor, req request.OpenApplication) (request.Receipt, error) {
	return s.act(ctx, a, "application.open", "", req, func(ctx context.Context, c *change) error {
		std, stdDigest, err := c.currentStandard(ctx, req.Standard)
		if err != nil {
			return err
		}
		proc, procDigest, err := c.procedureFor(ctx, std.Key, req.Procedure)
		if err != nil {
			return err
		}
		today, err := proc.Day(c.at)
		if err != nil {
			return err
		}
		if !std.InForce(today) {
			return fault.Conflict.New("%s is in force from %q to %q, and today is %s", std.Name(), std.ValidFrom, std.ValidTo, today)
		}
		app := &applicationRow{
			ID: application.ID(newID()), Candidate: person.CandidateID(a.ID), State: application.Gathering,
			Standard: stdDigest[:], Procedure: procDigest[:],
		}
		c.app = app
		c.record(events.ApplicationOpened{About: c.of(), Standard: stdDigest, Procedure: procDigest})
		c.receipt.Record = string(app.ID)
		if _, err := c.ExecContext(ctx, insertApplication, app.ID, app.Candidate, app.Standard, app.Procedure, c.at); err != nil {
			return err
		}
		return c.recorded("application", string(app.ID), row{
			"id": app.ID, "candidate": app.Candidate, "standard": app.Standard, "procedure": app.Procedure, "opened_at": c.at,
		})
	})
}

var cancelTasks = statement(`
UPDATE task SET state = 'cancelled', assessor = NULL, lease_until = NULL
 WHERE application = $1::uuid AND state IN ('open', 'claimed')`)

// WithdrawApplication takes an application back and its open tasks out of the queue.
func (s *Store) WithdrawApplication(ctx context.Context, a Actor, req request.WithdrawApplication) (request.Receipt, error) {
	return s.actOn(ctx, a, "application.withdraw", req.Application, req, func(ctx context.Context, c *change) error {
		if err := c.own(); err != nil {
			return err
		}
		if err := c.app.State.Allow(application.Withdraw); err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, cancelTasks, c.app.ID); err != nil {
			return err
		}
		c.app.State = application.Withdrawn
		c.record(events.ApplicationWithdrawn{About: c.of()})
		c.receipt.Record = string(c.app.ID)
		return nil
	})
}
