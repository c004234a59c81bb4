package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// readRecorded is read for what may open another person's data: do records each
// such reading with [tx.reading]. It returns after the commit, so that nothing that
// was read goes out before the reading is in the record; where do or the commit
// fails, nothing is recorded and nothing may go out.
func (s *Store) readRecorded(ctx context.Context, a Actor, do func(tx) error) error {
	begun, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return explain(err)
	}
	t := s.tx(begun)
	defer func() { _ = t.Rollback() }() // a panic must not take the connection with it
	if err := t.holds(ctx, a, do); err != nil {
		return explain(errors.Join(err, ignoreDone(t.Rollback())))
	}
	return explain(t.Commit())
}

// holds runs do, after checking that the actor holds the role.
func (t tx) holds(ctx context.Context, a Actor, do func(tx) error) error {
	var holds bool
	if err := t.GetContext(ctx, &holds, holdsRole, a.ID, a.Role); err != nil {
		return err
	}
	if !holds {
		return forbidRole(a)
	}
	return do(t)
}

var insertReading = statement(`
INSERT INTO reading (at, id, reader, role, purpose, person, application, what)
VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, '')::uuid, $8)`)

// reading records that the actor reads a person's data, once for each request and
// only in [Store.readRecorded], after the actor was found to be allowed to see it.
// what is what was asked at the door ("case.evidence"), said the purpose that the
// request names, application empty where it is about none. Where a request has no
// place for a purpose, its one purpose is said for it. Who reads their own data is
// not recorded. Invalid, in words that name the purposes, when the council does not
// say one; Forbidden when the role may not read for it.
func (t tx) reading(ctx context.Context, a Actor, what string, said reading.Purpose, p person.ID, app application.ID) error {
	if p == a.ID {
		return nil
	}
	purpose, err := reading.For(a.Role, said)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, insertReading, t.s.clock(), newID(), a.ID, a.Role, purpose, p, app, what); err != nil {
		return fmt.Errorf("recording that %s was read: %w", what, err)
	}
	return nil
}

// Readings lists who read the actor's own data.
func (s *Store) Readings(ctx context.Context, a Actor, _ request.ReadingPage) (request.Readings, error) {
	return request.Readings{}, s.notBuilt(ctx, a)
}

// SearchReadings searches who read whose data.
func (s *Store) SearchReadings(ctx context.Context, a Actor, _ request.ReadingSearch) (request.Readings, error) {
	return request.Readings{}, s.notBuilt(ctx, a)
}
