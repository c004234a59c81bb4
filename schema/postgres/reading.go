package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
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

// maxReadings bounds a page of readings.
const maxReadings = 500

const readingColumns = `at, id, reader, role, purpose, person, application, what`

var readingLeads = [...]lead{
	{"person", "", false},
	{"application", "::uuid", true},
	{"reader", "", false},
	everything,
}

// readingWalks are the statements by leading filter, newest first.
var readingWalks = func() (walks [len(readingLeads)]walk) {
	for i, l := range readingLeads {
		walks[i] = newWalk("reading", readingColumns, l, true,
			`($6 = '' OR person = $6) AND ($7 = '' OR application = NULLIF($7, '')::uuid) AND ($8 = '' OR reader = $8) AND ($9 = '' OR purpose = $9)`)
	}
	return walks
}()

type readingRow struct {
	At          time.Time
	ID          string
	Reader      person.ID
	Role        person.Role
	Purpose     reading.Purpose
	Person      person.ID
	Application sql.NullString
	What        string
}

func (r readingRow) place() place { return place{r.At, r.ID} }

// Readings lists who read the actor's own data, newest first: when, in which role,
// what was asked and for what. Readers are opaque ids, as the log has them.
func (s *Store) Readings(ctx context.Context, a Actor, req request.ReadingPage) (request.Readings, error) {
	var page request.Readings
	err := s.read(ctx, a, func(t tx) (err error) {
		page, err = t.readings(ctx, request.ReadingSearch{Person: a.ID, After: req.After, Limit: req.Limit})
		return err
	})
	return page, err
}

// SearchReadings searches who read whose data, newest first: of one person, of one
// application, by one reader, for one purpose, or any of these together. A page may
// be short, as one of [Store.Audit] may. One that names a person or an application
// is about one person, and is itself recorded, as a reading for an audit; any other
// holds opaque ids alone.
func (s *Store) SearchReadings(ctx context.Context, a Actor, req request.ReadingSearch) (request.Readings, error) {
	page := request.Readings{Rows: []request.Reading{}}
	if req.Application != "" {
		if err := request.CheckID("an application's id", string(req.Application)); err != nil {
			return page, err
		}
	}
	read := s.read
	if req.Person != "" || req.Application != "" {
		read = s.readRecorded
	}
	err := read(ctx, a, func(t tx) error {
		found, err := t.readings(ctx, req)
		if err != nil {
			return err
		}
		known, err := t.aboutOne(ctx, a, "get.readings", reading.Audit, req.Person, req.Application)
		if known {
			page = found
		}
		return err
	})
	return page, err
}

// aboutOne records a reading that names a person, an application or neither, and
// says whether what it names is known. Where both are named, it is the person's.
func (t tx) aboutOne(ctx context.Context, a Actor, what string, said reading.Purpose, of person.ID, id application.ID) (known bool, err error) {
	switch {
	case of != "":
		if err := t.GetContext(ctx, &known, isKnown, of); err != nil || !known {
			return false, err
		}
	case id != "":
		app, err := oneApplication(ctx, t, getApplication, id)
		if err != nil || app == nil {
			return false, err
		}
		of = person.ID(app.Candidate)
	default:
		return true, nil
	}
	return true, t.reading(ctx, a, what, said, of, id)
}

func (t tx) readings(ctx context.Context, req request.ReadingSearch) (request.Readings, error) {
	page := request.Readings{Rows: []request.Reading{}}
	begin, bound, err := span{newest: true}.arguments(req.After)
	if err != nil {
		return page, err
	}
	limit := bounded(req.Limit, maxReadings)
	filters := []string{string(req.Person), string(req.Application), string(req.Reader), string(req.Purpose)} // the last never leads
	lead := slices.IndexFunc(filters[:len(readingLeads)-1], func(value string) bool { return value != "" })
	w := readingWalks[len(readingLeads)-1]
	if lead >= 0 {
		w = readingWalks[lead]
	}
	rows, next, err := search[readingRow](ctx, t, looked{w, filters, lead, begin, bound, limit})
	for _, r := range rows {
		page.Rows = append(page.Rows, request.Reading{
			ID: r.ID, At: r.At.UTC(), Person: r.Person, Reader: r.Reader, Role: r.Role, Purpose: r.Purpose, What: r.What,
			Application: application.ID(r.Application.String),
		})
	}
	page.Next = next
	return page, err
}

var forgetReadings = statement(`SELECT kutse.forget_readings($1::date)`)

// ForgetReadings drops the months of readings that ended before a day, and says how
// many. Harmless twice.
func (s *Store) ForgetReadings(ctx context.Context, before time.Time) (months int, err error) {
	return months, explain(s.db.GetContext(ctx, &months, forgetReadings, before.Format(time.DateOnly)))
}

// ForgetOldReadings drops the months of readings whose term is over: the longest
// that a procedure in force gives them. Without a procedure nothing is dropped.
// Harmless twice.
func (s *Store) ForgetOldReadings(ctx context.Context) (months int, err error) {
	var before time.Time
	err = s.transact(ctx, func(t tx) error {
		before, err = t.readingsKeptFrom(ctx)
		return err
	})
	if err != nil || before.IsZero() {
		return 0, err
	}
	return s.ForgetReadings(ctx, before)
}

// readingsKeptFrom is the first day of readings that are still kept; zero where
// nothing says so.
func (t tx) readingsKeptFrom(ctx context.Context) (from time.Time, err error) {
	var rows []versionRow
	if err := t.SelectContext(ctx, &rows, currentProcedures); err != nil {
		return from, err
	}
	now := t.s.clock()
	for _, row := range rows {
		proc, err := decodeVersion[procedure.Procedure](t.s, row)
		if err != nil {
			return time.Time{}, err
		}
		kept, err := proc.Kept(procedure.Readings)
		if err != nil {
			return time.Time{}, err
		}
		if begin := now.AddDate(-kept.Years, -kept.Months, 0); from.IsZero() || begin.Before(from) {
			from = begin
		}
	}
	return from, nil
}
