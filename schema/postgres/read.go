package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Who was erased reads on as a candidate what is left of their own cases, and as
// nothing else.
var holdsRole = statement(`
SELECT EXISTS (SELECT 1 FROM person_role WHERE person = $1 AND role::text = $2)
   AND ($2 = 'cand' OR NOT EXISTS (SELECT 1 FROM erasure WHERE person = $1))`)

// read runs a reading in one snapshot, after checking that the actor holds the role.
func (s *Store) read(ctx context.Context, a Actor, do func(tx) error) error {
	begun, err := s.db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return explain(err)
	}
	t := s.tx(begun)
	defer func() { _ = t.Rollback() }() // a panic must not take the connection with it
	err = t.holds(ctx, a, do)
	return explain(errors.Join(err, ignoreDone(t.Rollback())))
}

// bounded is how long a page is at most that was asked for with a limit; 0 asks for
// the longest.
func bounded(limit, longest int) int {
	if limit <= 0 || limit > longest {
		return longest
	}
	return limit
}

// visible finds an application that the actor may see: a candidate their own, a
// committee member and the council any, an operator and an assessor none.
func (t tx) visible(ctx context.Context, a Actor, id application.ID) (*applicationRow, error) {
	row, err := oneApplication(ctx, t, getApplication, id)
	if err != nil {
		return nil, err
	}
	mine := row != nil && a.Role == person.Candidate && person.ID(row.Candidate) == a.ID
	if row == nil || (!mine && a.Role != person.Committee && a.Role != person.Council) {
		return nil, fault.NotFound.New("there is no application %s that you may see", id)
	}
	return row, nil
}

var (
	applicationsOf = statement(`
SELECT a.id, a.candidate, a.standard, a.procedure, a.opened_at, a.state, a.position
  FROM application a
 WHERE a.candidate = $1 ORDER BY a.opened_at DESC, a.id LIMIT 200`)
	proposedCases = statement(`
SELECT a.id, a.candidate, a.standard, a.procedure, a.opened_at, a.state, a.position
  FROM application a
 WHERE a.state = 'proposed' ORDER BY a.id LIMIT 200`)
)

// Applications lists a candidate's own, newest first, up to 200.
func (s *Store) Applications(ctx context.Context, a Actor) (request.Applications, error) {
	var list request.Applications
	err := s.read(ctx, a, func(t tx) (err error) {
		list.Applications, err = t.lines(ctx, applicationsOf, a.ID)
		return err
	})
	return list, err
}

// Cases lists the applications that wait for the committee, oldest first, up to 200.
func (s *Store) Cases(ctx context.Context, a Actor) (request.Cases, error) {
	var list request.Cases
	err := s.read(ctx, a, func(t tx) (err error) {
		list.Cases, err = t.lines(ctx, proposedCases)
		return err
	})
	return list, err
}

func (t tx) lines(ctx context.Context, query string, args ...any) ([]request.ApplicationLine, error) {
	var rows []applicationRow
	if err := t.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	lines := make([]request.ApplicationLine, 0, len(rows))
	for _, row := range rows {
		line, err := t.line(ctx, &row)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (t tx) line(ctx context.Context, row *applicationRow) (request.ApplicationLine, error) {
	std, _, err := t.rules(ctx, row)
	if err != nil {
		return request.ApplicationLine{}, err
	}
	return request.ApplicationLine{
		Application: row.ID, Candidate: person.ID(row.Candidate), Standard: std.Key, Title: std.Title,
		State: row.State, OpenedAt: row.OpenedAt.UTC(),
	}, nil
}
