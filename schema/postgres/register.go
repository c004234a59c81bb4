package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/register"
)

type entryRow struct {
	Number      string
	Type        int
	Application application.ID
	Decision    award.DecisionID
	Candidate   person.ID
	Standard    []byte
	ValidFrom   time.Time `db:"valid_from"`
	ValidTo     time.Time `db:"valid_to"`
	At          time.Time
}

const entryColumns = `SELECT number, type, application, decision, candidate, standard, valid_from, valid_to, at FROM register_entry`

var (
	entryByNumber      = statement(entryColumns + ` WHERE number = $1`)
	entryOfApplication = statement(entryColumns + ` WHERE application = $1`)
	awardDecision      = statement(`SELECT id, at FROM decision WHERE application = $1 AND outcome = 'award'`)
	nextNumber         = statement(`UPDATE register_counter SET last = last + 1 WHERE type = $1 RETURNING last`)
	insertEntry        = statement(`
INSERT INTO register_entry (number, type, application, decision, candidate, standard, procedure, valid_from, valid_to, position, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
)

// EnterRegister enters an awarded application in the register and returns its
// number. The state seen under the lock, and register_entry_once_per_application
// behind it, make a second call return the same number.
func (s *Store) EnterRegister(ctx context.Context, app application.ID) (string, error) {
	var number string
	err := s.systemAct(ctx, "register.enter", app, "enter", func(ctx context.Context, c *change) error {
		var existing entryRow
		missing, err := noRows(c.GetContext(ctx, &existing, entryOfApplication, app))
		if err != nil || !missing {
			number = existing.Number
			return err
		}
		if c.app.State != application.Awarded {
			return fault.Conflict.New("the application is %s: there is nothing to enter", c.app.State)
		}
		number, err = c.enter(ctx)
		return err
	})
	return number, err
}

func (c *change) enter(ctx context.Context) (string, error) {
	var decision struct {
		ID award.DecisionID
		At time.Time
	}
	if err := c.GetContext(ctx, &decision, awardDecision, c.app.ID); err != nil {
		return "", fmt.Errorf("the award of %s: %w", c.app.ID, err)
	}
	_, proc, err := c.rules(ctx, c.app)
	if err != nil {
		return "", err
	}
	from, to, err := proc.Valid(decision.At)
	if err != nil {
		return "", err
	}
	// The counter's row is locked until commit, so numbers have no gaps.
	var n int
	if err := c.GetContext(ctx, &n, nextNumber, register.Full); err != nil {
		return "", err
	}
	number, err := register.Number(register.Full, n)
	if err != nil {
		return "", err
	}
	position := c.record(events.QualificationRegistered{
		About: c.of(), Decision: decision.ID, Number: number, Standard: canon.Digest(c.app.Standard), ValidFrom: from, ValidTo: to,
	})
	c.app.State = application.Registered
	c.object = number
	if _, err = c.ExecContext(ctx, insertEntry, number, register.Full, c.app.ID, decision.ID, c.app.Candidate,
		c.app.Standard, c.app.Procedure, from, to, position, c.at); err != nil {
		return "", err
	}
	return number, c.recorded("register_entry", number, row{
		"number": number, "type": register.Full, "application": c.app.ID, "decision": decision.ID, "candidate": c.app.Candidate,
		"standard": c.app.Standard, "procedure": c.app.Procedure, "valid_from": from, "valid_to": to, "position": position, "at": c.at,
	})
}

// Entry reads one register entry.
func (s *Store) Entry(ctx context.Context, a Actor, req request.OfEntry) (request.RegisterEntry, error) {
	var out request.RegisterEntry
	err := s.readRecorded(ctx, a, func(t tx) error {
		var row entryRow
		missing, err := noRows(t.GetContext(ctx, &row, entryByNumber, req.Number))
		if missing {
			return fault.NotFound.New("there is no register entry %.40q", req.Number)
		}
		if err != nil {
			return err
		}
		if err := t.reading(ctx, a, "get.entry", reading.Audit, row.Candidate, row.Application); err != nil {
			return err
		}
		out, err = t.entry(ctx, row)
		return err
	})
	return out, err
}

func (t tx) entry(ctx context.Context, row entryRow) (request.RegisterEntry, error) {
	std, err := t.standard(ctx, canon.Digest(row.Standard))
	if err != nil {
		return request.RegisterEntry{}, err
	}
	proof, err := t.proofOf(ctx, row.Application, row.Number)
	return request.RegisterEntry{
		Proof: proof, Number: row.Number, Type: row.Type, Application: row.Application, Decision: row.Decision, Candidate: row.Candidate,
		Standard: std.Name(), ValidFrom: row.ValidFrom.Format(time.DateOnly), ValidTo: row.ValidTo.Format(time.DateOnly), At: row.At.UTC(),
	}, err
}
