package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// sealBatch is how many audit rows one transaction seals at most. A release may raise
// it and not lower it: see [Store.Seal].
const sealBatch = 5000

// The keys of the advisory locks of sealers: of the one that leads, and of the one
// that seals at this moment. A sealer that does not know yet that it lost the lead
// can do no harm, since only one seals at a time.
const (
	sealerLock  = 0x6b75747366
	sealingLock = 0x6b75747367
)

// Signers has the secret keys of the logs.
type Signers interface {
	// Signing returns the keys that sign the next checkpoint of a year's log. last is
	// the verifier key that signed until now, "" where the log begins. The sealer
	// waits for it in the middle of a transaction.
	Signing(year int, last string) (Signing, error)
}

// Signing is what signs a checkpoint, and what is remembered beside the keys of what
// they signed before: whoever can write to the database cannot write there.
type Signing struct {
	Origin string
	Now    LogKey  // the last one; any where the log begins
	Next   *LogKey // takes over with this checkpoint; nil but for a change of keys
	// Last is what was signed last, for whatever database and whether or not it was
	// committed there. What is signed next must go on from it. Nil: nothing was signed,
	// or nothing is remembered.
	Last *merkle.Checkpoint
	// Disowned is what was signed last before somebody restored an older record and
	// said so: what is signed next need not go on from it.
	Disowned *merkle.Checkpoint
	// Keep remembers that a checkpoint was signed, and has it on disk when it returns.
	// Nil: nothing is remembered.
	Keep func(merkle.Checkpoint) error
}

// LogKey is a key of a log.
type LogKey struct {
	VKey   string
	Signer merkle.Signer
}

// Sealing is what one round of sealing did.
type Sealing struct {
	Busy        bool // another process is at it; nothing else is told
	Rows        int  // that have a place in the log now
	More        bool // rows may be waiting
	Checkpoints []merkle.Checkpoint
	// Failed is why the log of a year could not grow. Its rows wait; the logs of other
	// years go on.
	Failed map[int]error
	Oldest time.Time // when the oldest of the rows was recorded
}

// LeadSealing blocks until this process is the only sealer, as Lead does for the
// relay. What publishes a log may do so only while it leads.
func (s *Store) LeadSealing(ctx context.Context) (led context.Context, release func(), err error) {
	return s.lead(ctx, sealerLock)
}

var (
	trySealing = statement(`SELECT pg_try_advisory_xact_lock($1)`)
	sealCursor = statement(`
SELECT xid::text AS xid, id, cluster, (SELECT system_identifier::text FROM pg_control_system()) AS here FROM log_cursor`)
	moveCursor = statement(`UPDATE log_cursor SET xid = $1::text::xid8, id = $2, cluster = $3`)
)

type cursorRow struct{ Xid, ID, Cluster, Here string }

// Seal gives the next audit rows their places in the logs of their years, and signs
// a checkpoint of each log that grew: all of it in one transaction, so that a crash
// leaves either everything or nothing.
//
// Rows are taken by transaction id, and only those of transactions before which none
// is open any more: none can show up later before one that has its place. An act
// that takes long holds all sealing up for as long.
//
// So the order of a year's rows is settled before any of them is sealed. A round that
// did not come to its commit is repeated by one that seals at least the same rows in
// the same order: its checkpoint goes on from the one that was signed in vain. That is
// why what is signed may have to go on from everything that ever was, and no crash
// locks the log out. It holds as long as a round takes no fewer rows than before.
//
// A log that cannot be signed does not hold up those of other years: its rows are put
// by, and have their places before later ones of that year. The error tells of it,
// and so does Sealing; what was sealed of other years stays sealed.
//
// A checkpoint is told as [events.CheckpointSigned], without an audit row: that would
// have to be sealed in turn, and the log would never come to rest. A row that cannot
// be an entry, which no act leaves, is logged, passed over and stays without a place.
func (s *Store) Seal(ctx context.Context, signers Signers) (Sealing, error) {
	var done Sealing
	err := s.transact(ctx, func(t tx) error {
		done = Sealing{}
		var got bool
		if err := t.GetContext(ctx, &got, trySealing, sealingLock); err != nil || !got {
			done.Busy = !got
			return err
		}
		r := round{tx: t, signers: signers, waited: map[int]bool{}, done: Sealing{Failed: map[int]error{}}}
		err := r.seal(ctx)
		done = r.done
		return err
	})
	if err != nil {
		return Sealing{}, fmt.Errorf("sealing: %w", err)
	}
	if len(done.Checkpoints) > 0 {
		s.bell.ring()
	}
	var failed []error
	for _, y := range slices.Sorted(maps.Keys(done.Failed)) {
		failed = append(failed, fmt.Errorf("sealing the log of %d: %w", y, done.Failed[y]))
	}
	return done, errors.Join(failed...)
}

// round is one round of sealing under way.
type round struct {
	tx
	signers Signers
	// waited are the years that had rows waiting when the round began. Their new rows
	// line up behind those: a log grows once in a round, and by its oldest rows.
	waited map[int]bool
	done   Sealing
}

func (r *round) seal(ctx context.Context) error {
	var at cursorRow
	if err := r.GetContext(ctx, &at, sealCursor); err != nil {
		return err
	}
	if err := r.sealWaiting(ctx); err != nil {
		return err
	}
	if at.Cluster != at.Here {
		return r.sealForeign(ctx, at)
	}
	rows, err := r.leaves(ctx, nextRows, at.Xid, at.ID)
	if err != nil || len(rows) == 0 {
		return err
	}
	last := rows[len(rows)-1]
	if err := r.sealRows(ctx, rows); err != nil {
		return err
	}
	r.done.More = r.done.More || len(rows) == sealBatch
	_, err = r.ExecContext(ctx, moveCursor, last.Xid, last.ID, at.Here)
	return err
}

// sealForeign begins in a database that was carried to another cluster, as by a
// restore from a dump. Transaction ids count per cluster: those of the rows that came
// along say nothing here. Rows whose id is not given out here yet are surely of the
// old cluster, and none of its transactions is open. Once they are sealed the cursor
// starts over and finds the rest, passing what is sealed already. Which rows those are
// changes as ids are given out: a crash on the way may leave a checkpoint that was
// signed in vain and that the next round does not go on from. The operator then has
// to accept the restored record once more.
func (r *round) sealForeign(ctx context.Context, at cursorRow) error {
	r.done.More = true
	rows, err := r.leaves(ctx, foreignRows)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		_, err := r.ExecContext(ctx, moveCursor, "0", zeroID, at.Here)
		return err
	}
	return r.sealRows(ctx, rows)
}

const leafColumns = `a.xid::text AS xid, a.at, a.id, a.actor, a.role, a.act, a.application, a.candidate, a.standard, a.object,
       a.position, a.request, a.payload, a.records`

var (
	nextRows = statement(`
SELECT ` + leafColumns + ` FROM audit a
 WHERE (a.xid, a.id) > ($1::text::xid8, $2::uuid) AND a.xid < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY a.xid, a.id LIMIT 5000`)
	foreignRows = statement(`
SELECT ` + leafColumns + ` FROM audit a
 WHERE a.xid >= pg_snapshot_xmax(pg_current_snapshot()) AND NOT EXISTS (SELECT 1 FROM log_entry e WHERE e.audit = a.id)
   AND NOT EXISTS (SELECT 1 FROM log_waiting w WHERE w.audit = a.id)
 ORDER BY a.xid, a.id LIMIT 5000`)
	waitingRows = statement(`
SELECT ` + leafColumns + ` FROM log_waiting w JOIN audit a ON a.at = w.at AND a.id = w.audit
 WHERE w.year = $1 ORDER BY w.n LIMIT 5000`)
	waitingYears = statement(`SELECT DISTINCT year FROM log_waiting ORDER BY 1`)
	letWait      = statement(`
INSERT INTO log_waiting (year, at, audit)
SELECT $1, at, audit FROM unnest($2::timestamptz[], $3::uuid[]) WITH ORDINALITY AS f (at, audit, n) ORDER BY n`)
	waitNoMore  = statement(`DELETE FROM log_waiting WHERE year = $1 AND audit = ANY ($2::uuid[])`)
	sealedAmong = statement(`
SELECT audit FROM log_entry WHERE audit = ANY ($1::uuid[]) UNION ALL SELECT audit FROM log_waiting WHERE audit = ANY ($1::uuid[])`)
)

// leafRow is what of an audit row stands in the log.
type leafRow struct {
	Xid         string
	At          time.Time
	ID          string
	Actor       string
	Role        string
	Act         string
	Application sql.NullString
	Candidate   sql.NullString
	Standard    sql.NullString
	Object      string
	Position    int
	Request     string
	Payload     []byte
	Records     pq.StringArray
}

func (t tx) leaves(ctx context.Context, query string, args ...any) ([]leafRow, error) {
	var rows []leafRow
	return rows, t.SelectContext(ctx, &rows, query, args...)
}

// entry is the row as the log holds it.
func (r leafRow) entry() ([]byte, error) {
	l := merkle.Leaf{
		ID: r.ID, Time: r.At.UTC(), Act: r.Act, Actor: r.Actor, Role: r.Role, Application: r.Application.String,
		Candidate: r.Candidate.String, Standard: r.Standard.String, Object: r.Object, Sequence: r.Position, Request: r.Request,
	}
	if len(r.Payload) == len(l.Payload) {
		l.Payload = canon.Digest(r.Payload)
	}
	for _, s := range r.Records {
		rec, err := merkle.ParseRecord(s)
		if err != nil {
			return nil, err
		}
		l.Records = append(l.Records, rec)
	}
	return l.Entry()
}

// checkEntry refuses an act whose audit row could not stand in the log: nothing after
// it could either.
func (c *change) checkEntry(r leafRow) error {
	r.At, r.Actor, r.Role, r.Act = c.at, string(c.actor.ID), string(c.actor.Role), c.name
	r.Application.String, r.Candidate.String = string(c.about.application), string(c.about.candidate)
	r.Object, r.Request, r.Payload, r.Records = c.object, c.request, c.payload[:], c.records
	_, err := r.entry()
	return err
}

// sealWaiting tries again to seal what waits for a log that could not be signed.
func (r *round) sealWaiting(ctx context.Context) error {
	var years []int
	if err := r.SelectContext(ctx, &years, waitingYears); err != nil {
		return err
	}
	for _, y := range years {
		r.waited[y] = true
		rows, err := r.leaves(ctx, waitingRows, y)
		if err != nil {
			return err
		}
		g := r.growths(ctx, rows)[y]
		if g == nil {
			continue // the rows are gone; `kutse audit check` says so of a place, and nothing had one
		}
		grew, err := r.tryGrow(ctx, g)
		if err != nil {
			return err
		}
		if !grew {
			continue
		}
		if _, err := r.ExecContext(ctx, waitNoMore, y, pq.Array(g.audits)); err != nil {
			return err
		}
		r.done.More = true // what lined up behind them
	}
	return nil
}

// sealRows seals those of the rows that have no place yet.
func (r *round) sealRows(ctx context.Context, rows []leafRow) error {
	rows, err := r.withoutSealed(ctx, rows)
	if err != nil {
		return err
	}
	if err := r.tellBackdated(ctx, rows); err != nil {
		return err
	}
	years := r.growths(ctx, rows)
	for _, y := range slices.Sorted(maps.Keys(years)) {
		grew := false
		if !r.waited[y] {
			if grew, err = r.tryGrow(ctx, years[y]); err != nil {
				return err
			}
		}
		if grew {
			continue
		}
		if _, err := r.ExecContext(ctx, letWait, y, pq.Array(years[y].ats), pq.Array(years[y].audits)); err != nil {
			return err
		}
	}
	return nil
}

// growths are what logs are to grow by, by year.
func (r *round) growths(ctx context.Context, rows []leafRow) map[int]*growth {
	years := map[int]*growth{}
	for _, row := range rows {
		entry, err := row.entry()
		if err != nil {
			r.s.log.ErrorContext(ctx, "an audit row cannot be sealed and has no place in the log", slog.String("audit", row.ID), slog.Any("error", err))
			continue
		}
		y := row.At.UTC().Year()
		if years[y] == nil {
			years[y] = &growth{year: y, oldest: row.At}
		}
		years[y].add(row, merkle.HashEntry(entry))
	}
	return years
}

var (
	beforeYear = statement(`SAVEPOINT year`)
	keepYear   = statement(`RELEASE SAVEPOINT year`)
	undoYear   = statement(`ROLLBACK TO SAVEPOINT year`)
)

// tryGrow grows a log, or leaves it as it was and says why in the round. The error is
// one that ends the round: the database is away, say.
func (r *round) tryGrow(ctx context.Context, g *growth) (grew bool, err error) {
	if _, err := r.ExecContext(ctx, beforeYear); err != nil {
		return false, err
	}
	c, err := r.grow(ctx, r.signers, g)
	if err == nil {
		r.done.Checkpoints = append(r.done.Checkpoints, c)
		r.done.Rows += len(g.audits)
		if r.done.Oldest.IsZero() || g.oldest.Before(r.done.Oldest) {
			r.done.Oldest = g.oldest
		}
		_, err = r.ExecContext(ctx, keepYear)
		return true, err
	}
	err = explain(err)
	if again(err) || ctx.Err() != nil || errors.Is(err, fault.Unavailable) {
		return false, fmt.Errorf("the log of %d: %w", g.year, err)
	}
	if _, undone := r.ExecContext(ctx, undoYear); undone != nil {
		return false, errors.Join(fmt.Errorf("the log of %d: %w", g.year, err), undone)
	}
	r.done.Failed[g.year] = err
	return false, nil
}

// backdated is by how much a row may be older than what was sealed before it: no act
// takes so long. Rows that waited for a sealer that was away are not older than those.
const backdated = time.Hour

var lastSealed = statement(`
SELECT max(c.at) FROM (SELECT DISTINCT year FROM log_key) AS y,
       LATERAL (SELECT at FROM log_checkpoint WHERE year = y.year ORDER BY size DESC, at DESC LIMIT 1) AS c`)

// tellBackdated says that rows claim to be older than what was recorded before them.
// They are sealed as they are: the log shows where they came in.
func (t tx) tellBackdated(ctx context.Context, rows []leafRow) error {
	if len(rows) == 0 {
		return nil
	}
	var newest sql.NullTime
	if err := t.GetContext(ctx, &newest, lastSealed); err != nil {
		return err
	}
	var first *leafRow
	n := 0
	for i, r := range rows {
		if newest.Valid && newest.Time.Sub(r.At) > backdated {
			if n++; first == nil {
				first = &rows[i]
			}
		}
		if !newest.Valid || r.At.After(newest.Time) {
			newest = sql.NullTime{Time: r.At, Valid: true}
		}
	}
	if first != nil {
		t.s.log.ErrorContext(ctx, "audit rows are dated long before others that were recorded earlier: a clock was wrong, or somebody dated them back",
			slog.Int("rows", n), slog.String("first", first.ID), slog.Time("dated", first.At), slog.Time("after", newest.Time))
	}
	return nil
}

// withoutSealed leaves out what is sealed: there is such a row only where the cursor
// started over.
func (t tx) withoutSealed(ctx context.Context, rows []leafRow) ([]leafRow, error) {
	ids := make([]string, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	var sealed []string
	if err := t.SelectContext(ctx, &sealed, sealedAmong, pq.Array(ids)); err != nil || len(sealed) == 0 {
		return rows, err
	}
	known := make(map[string]bool, len(sealed))
	for _, id := range sealed {
		known[id] = true
	}
	return slices.DeleteFunc(rows, func(r leafRow) bool { return known[r.ID] }), nil
}

// tell records a fact that belongs to no act.
func (t tx) tell(ctx context.Context, e events.Event, at time.Time) error {
	id := newID()
	env, err := events.Wrap(id, e, at, 0, "")
	if err != nil {
		return err
	}
	body, err := json.Marshal(env)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, insertNews, id, e.Type(), e.Key().Subject(), events.Subject(e), string(body), at)
	return err
}

// StoreCosignature keeps what a witness signed under the checkpoint of a log at a
// size: the lines as the witness sent them, verified. Harmless twice.
func (s *Store) StoreCosignature(ctx context.Context, year int, size int64, witness, lines string) error {
	_, err := s.db.ExecContext(ctx, insertCosignature, year, size, witness, lines, s.clock())
	return explain(err)
}

var (
	insertCosignature = statement(`
INSERT INTO log_cosignature (year, size, witness, note, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`)
	lastCosigned = statement(`SELECT COALESCE(max(size), 0) FROM log_cosignature WHERE year = $1 AND witness = $2`)
	oldestRow    = statement(`
SELECT LEAST((SELECT min(a.at) FROM (SELECT a.at FROM audit a, log_cursor c WHERE (a.xid, a.id) > (c.xid, c.id) ORDER BY a.xid, a.id LIMIT 5000) AS a),
             (SELECT min(at) FROM log_waiting))`)
)

// Cosigned is the largest size of a year's log that a witness has signed; 0 for none.
func (s *Store) Cosigned(ctx context.Context, year int, witness string) (size int64, err error) {
	return size, explain(s.db.GetContext(ctx, &size, lastCosigned, year, witness))
}

// Lag is for how long the oldest row waits that the sealer has not reached, or has put
// by since its log cannot be signed; 0 when none does. What lies behind the sealer and
// has no place, somebody put there by hand: `kutse audit check` finds it.
func (s *Store) Lag(ctx context.Context) (time.Duration, error) {
	var oldest sql.NullTime
	if err := s.db.GetContext(ctx, &oldest, oldestRow); err != nil || !oldest.Valid {
		return 0, explain(err)
	}
	return max(0, s.clock().Sub(oldest.Time)), nil
}
