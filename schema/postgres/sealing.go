package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// sealBatch is how many audit rows one transaction seals at most.
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

// Signing is what signs a checkpoint.
type Signing struct {
	Origin string
	Now    LogKey  // the last one; any where the log begins
	Next   *LogKey // takes over with this checkpoint; nil but for a change of keys
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
	Oldest      time.Time // when the oldest of the rows was recorded
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
		var err error
		done, err = t.seal(ctx, signers)
		return err
	})
	if err != nil {
		return Sealing{}, fmt.Errorf("sealing: %w", err)
	}
	if len(done.Checkpoints) > 0 {
		s.bell.ring()
	}
	return done, nil
}

func (t tx) seal(ctx context.Context, signers Signers) (Sealing, error) {
	var at cursorRow
	if err := t.GetContext(ctx, &at, sealCursor); err != nil {
		return Sealing{}, err
	}
	if at.Cluster != at.Here {
		return t.sealForeign(ctx, signers, at)
	}
	rows, err := t.leaves(ctx, nextRows, at.Xid, at.ID)
	if err != nil || len(rows) == 0 {
		return Sealing{}, err
	}
	last := rows[len(rows)-1]
	done, err := t.sealRows(ctx, signers, rows)
	if err != nil {
		return Sealing{}, err
	}
	done.More = len(rows) == sealBatch
	_, err = t.ExecContext(ctx, moveCursor, last.Xid, last.ID, at.Here)
	return done, err
}

// sealForeign begins in a database that was carried to another cluster, as by a
// restore from a dump. Transaction ids count per cluster: those of the rows that came
// along say nothing here. Rows whose id is not given out here yet are surely of the
// old cluster, and none of its transactions is open. Once they are sealed the cursor
// starts over and finds the rest, passing what is sealed already.
func (t tx) sealForeign(ctx context.Context, signers Signers, at cursorRow) (Sealing, error) {
	rows, err := t.leaves(ctx, foreignRows)
	if err != nil {
		return Sealing{}, err
	}
	if len(rows) == 0 {
		_, err := t.ExecContext(ctx, moveCursor, "0", zeroID, at.Here)
		return Sealing{More: true}, err
	}
	done, err := t.sealRows(ctx, signers, rows)
	done.More = true
	return done, err
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
 ORDER BY a.xid, a.id LIMIT 5000`)
	sealedAmong = statement(`SELECT audit FROM log_entry WHERE audit = ANY ($1::uuid[])`)
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

// sealRows seals those of the rows that have no place yet.
func (t tx) sealRows(ctx context.Context, signers Signers, rows []leafRow) (Sealing, error) {
	rows, err := t.withoutSealed(ctx, rows)
	if err != nil {
		return Sealing{}, err
	}
	years := map[int]*growth{}
	var done Sealing
	for _, r := range rows {
		entry, err := r.entry()
		if err != nil {
			t.s.log.ErrorContext(ctx, "an audit row cannot be sealed and has no place in the log", slog.String("audit", r.ID), slog.Any("error", err))
			continue
		}
		y := r.At.UTC().Year()
		if years[y] == nil {
			years[y] = &growth{year: y}
		}
		years[y].add(r, merkle.HashEntry(entry))
		done.Rows++
		if done.Oldest.IsZero() || r.At.Before(done.Oldest) {
			done.Oldest = r.At
		}
	}
	order := make([]int, 0, len(years))
	for y := range years {
		order = append(order, y)
	}
	slices.Sort(order)
	for _, y := range order {
		c, err := t.grow(ctx, signers, years[y])
		if err != nil {
			return Sealing{}, fmt.Errorf("the log of %d: %w", y, err)
		}
		done.Checkpoints = append(done.Checkpoints, c)
	}
	return done, nil
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

// growth is what a log is to grow by.
type growth struct {
	year   int
	ats    []string
	audits []string
	hashes []merkle.Hash
}

func (g *growth) add(r leafRow, h merkle.Hash) {
	g.ats = append(g.ats, r.At.UTC().Format(time.RFC3339Nano))
	g.audits = append(g.audits, r.ID)
	g.hashes = append(g.hashes, h)
}

var (
	lastCheckpoint = statement(`SELECT size, root, note FROM log_checkpoint WHERE year = $1 ORDER BY size DESC, at DESC LIMIT 1`)
	lastLogKey     = statement(`SELECT vkey FROM log_key WHERE year = $1 ORDER BY from_size DESC, at DESC LIMIT 1`)
	insertEntries  = statement(`
INSERT INTO log_entry (year, position, at, audit, hash)
SELECT $1, $2 + n - 1, at, audit, hash
  FROM unnest($3::timestamptz[], $4::uuid[], $5::bytea[]) WITH ORDINALITY AS f (at, audit, hash, n)`)
	insertNodes = statement(`
INSERT INTO log_node (year, level, n, hash) SELECT $1, f.level, f.n, f.hash FROM unnest($2::int[], $3::bigint[], $4::bytea[]) AS f (level, n, hash)`)
	insertCheckpoint = statement(`INSERT INTO log_checkpoint (year, size, at, root, note) VALUES ($1, $2, $3, $4, $5)`)
	insertLogKey     = statement(`INSERT INTO log_key (year, origin, vkey, from_size, at) VALUES ($1, $2, $3, $4, $5)`)
	insertNews       = statement(`
WITH news AS (
  INSERT INTO event (id, position, type, order_key, subject, body, at) VALUES ($1, 0, $2, $3, $4, $5, $6)
)
INSERT INTO outbox (at, event) VALUES ($6, $1)`)
)

type checkpointRow struct {
	Size int64
	Root []byte
	Note string
}

// grow appends to the log of a year and signs its new checkpoint.
func (t tx) grow(ctx context.Context, signers Signers, g *growth) (merkle.Checkpoint, error) {
	var last checkpointRow
	begins, err := noRows(t.GetContext(ctx, &last, lastCheckpoint, g.year))
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	a, err := merkle.Append(ctx, logHashes{t, g.year}, last.Size, g.hashes)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	if !begins && string(a.Before[:]) != string(last.Root) {
		// To sign what follows from other hashes would vouch for the change.
		return merkle.Checkpoint{}, fault.Conflict.New("the stored hashes are not those that were signed at %d records: they were changed", last.Size)
	}
	c, newKey, err := t.sign(ctx, signers, g.year, merkle.Checkpoint{Size: a.Size, Root: a.Root})
	if err != nil {
		return c, err
	}
	if err := t.storeGrowth(ctx, g, last.Size, a.Nodes); err != nil {
		return c, err
	}
	at := t.s.clock()
	if _, err := t.ExecContext(ctx, insertCheckpoint, g.year, c.Size, at, c.Root[:], string(c.Note)); err != nil {
		return c, err
	}
	if newKey != "" {
		if _, err := t.ExecContext(ctx, insertLogKey, g.year, c.Origin, newKey, c.Size, at); err != nil {
			return c, err
		}
	}
	return c, t.tell(ctx, events.CheckpointSigned{
		Origin: c.Origin, Year: g.year, Size: c.Size, Root: canon.Digest(c.Root), Signed: string(c.Note),
	}, at)
}

// sign signs a checkpoint, and says which key signs for the first time, if one does.
func (t tx) sign(ctx context.Context, signers Signers, year int, c merkle.Checkpoint) (_ merkle.Checkpoint, newKey string, err error) {
	var last string
	begins, err := noRows(t.GetContext(ctx, &last, lastLogKey, year))
	if err != nil {
		return c, "", err
	}
	keys, err := signers.Signing(year, last)
	if err != nil {
		return c, "", err
	}
	c.Origin = keys.Origin
	sign := []merkle.Signer{keys.Now.Signer}
	switch {
	case begins:
		newKey = keys.Now.VKey
	case keys.Now.VKey != last:
		return c, "", fault.Conflict.New("the log is signed by %s, and the sealer has another key", merkle.KeyID(last))
	case keys.Next != nil:
		newKey, c.Next = keys.Next.VKey, keys.Next.VKey
		sign = append(sign, keys.Next.Signer)
	}
	c, err = merkle.Sign(c, sign...)
	return c, newKey, err
}

func (t tx) storeGrowth(ctx context.Context, g *growth, from int64, nodes []merkle.Node) error {
	hashes := make(pq.ByteaArray, 0, len(g.hashes))
	for _, h := range g.hashes {
		hashes = append(hashes, h[:])
	}
	if _, err := t.ExecContext(ctx, insertEntries, g.year, from, pq.Array(g.ats), pq.Array(g.audits), hashes); err != nil {
		return fmt.Errorf("storing %d hashes from %d on: %w", len(hashes), from, err)
	}
	if len(nodes) == 0 {
		return nil
	}
	var levels, ns []int64
	var above pq.ByteaArray
	for _, n := range nodes {
		levels, ns, above = append(levels, int64(n.Level)), append(ns, n.N), append(above, n.Hash[:])
	}
	if _, err := t.ExecContext(ctx, insertNodes, g.year, pq.Array(levels), pq.Array(ns), above); err != nil {
		return fmt.Errorf("storing hashes above %d: %w", from, err)
	}
	return nil
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
SELECT min(a.at) FROM (SELECT a.at FROM audit a, log_cursor c WHERE (a.xid, a.id) > (c.xid, c.id) ORDER BY a.xid, a.id LIMIT 5000) AS a`)
)

// Cosigned is the largest size of a year's log that a witness has signed; 0 for none.
func (s *Store) Cosigned(ctx context.Context, year int, witness string) (size int64, err error) {
	return size, explain(s.db.GetContext(ctx, &size, lastCosigned, year, witness))
}

// Lag is for how long the oldest row waits that the sealer has not reached; 0 when
// none does.
func (s *Store) Lag(ctx context.Context) (time.Duration, error) {
	var oldest sql.NullTime
	if err := s.db.GetContext(ctx, &oldest, oldestRow); err != nil || !oldest.Valid {
		return 0, explain(err)
	}
	return max(0, s.clock().Sub(oldest.Time)), nil
}
