package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// growth is what a log is to grow by.
type growth struct {
	year   int
	oldest time.Time
	ats    []string
	audits []string
	hashes []merkle.Hash
}

func (g *growth) add(r leafRow, h merkle.Hash) {
	if r.At.Before(g.oldest) {
		g.oldest = r.At
	}
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

// standing is where a log stands, as its own keys say.
type standing struct {
	merkle.Checkpoint         // that of no records where the log begins
	vkey              string  // that signed until now; "" for none
	sign              Signing // what signs next
}

// stands finds where a log stands. Whoever owns the database can write what he likes
// into its tables, so the last checkpoint counts only as far as the log's key signed
// it, and that key is taken from the signers.
func (t tx) stands(ctx context.Context, signers Signers, year int) (standing, error) {
	st := standing{Checkpoint: merkle.Checkpoint{Root: sha256.Sum256(nil)}}
	if _, err := noRows(t.GetContext(ctx, &st.vkey, lastLogKey, year)); err != nil {
		return st, err
	}
	var row checkpointRow
	begins, err := noRows(t.GetContext(ctx, &row, lastCheckpoint, year))
	if err != nil {
		return st, err
	}
	if st.sign, err = signers.Signing(year, st.vkey); err != nil {
		return st, err
	}
	if st.vkey != "" && st.sign.Now.VKey != st.vkey {
		return st, fault.Conflict.New("the log is signed by %s, and the sealer has another key", merkle.KeyID(st.vkey))
	}
	if begins {
		return st, nil
	}
	c, err := merkle.OpenCheckpoint([]byte(row.Note), []string{st.sign.Now.VKey})
	if err != nil {
		return st, fault.Conflict.Because(err, "the last checkpoint, at %d records, is not one that the log's key signed: it was changed: %s", row.Size, fault.Message(err))
	}
	if c.Origin != st.sign.Origin || c.Size != row.Size || string(c.Root[:]) != string(row.Root) {
		return st, fault.Conflict.New("the last checkpoint says %d records of %s, and its row %d with another root: it was changed", c.Size, c.Origin, row.Size)
	}
	st.Checkpoint = c
	return st, nil
}

// grow appends to the log of a year and signs its new checkpoint.
func (t tx) grow(ctx context.Context, signers Signers, g *growth) (merkle.Checkpoint, error) {
	st, err := t.stands(ctx, signers, g.year)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	a, err := merkle.Append(ctx, logHashes{t, g.year}, st.Size, g.hashes)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	if a.Before != st.Root {
		// To sign what follows from other hashes would vouch for the change.
		return merkle.Checkpoint{}, fault.Conflict.New("the stored hashes are not those that were signed at %d records: they were changed", st.Size)
	}
	if err := t.storeGrowth(ctx, g, st.Size, a.Nodes); err != nil {
		return merkle.Checkpoint{}, err
	}
	next := merkle.Checkpoint{Size: a.Size, Root: a.Root}
	if err := t.goesOn(ctx, g.year, st, next); err != nil {
		return merkle.Checkpoint{}, err
	}
	c, newKey, err := st.signs(next)
	if err != nil {
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
	err = t.tell(ctx, events.CheckpointSigned{
		Origin: c.Origin, Year: g.year, Size: c.Size, Root: canon.Digest(c.Root), Signed: string(c.Note),
	}, at)
	if err != nil || st.sign.Keep == nil {
		return c, err
	}
	// It is remembered before anybody can see it. A crash between here and the commit
	// does no harm: the next round signs what goes on from this.
	return c, st.sign.Keep(c)
}

// goesOn makes sure that a checkpoint counts all that the log's keys ever signed for:
// also what this database does not know of, since it was put back to an earlier state,
// emptied, or is another one.
func (t tx) goesOn(ctx context.Context, year int, st standing, next merkle.Checkpoint) error {
	last := st.sign.Last
	switch {
	case last == nil && st.sign.Disowned != nil:
		t.s.log.ErrorContext(ctx, "a restored record goes on as the log: checkpoints and proofs that were given out before may contradict it from here on",
			slog.Int("year", year), slog.Int64("signed_before", st.sign.Disowned.Size), slog.String("root_before", st.sign.Disowned.Root.String()),
			slog.Int64("restored_at", st.Size), slog.Int64("signs", next.Size))
		return nil
	case last == nil, last.Size == st.Size && last.Root == st.Root:
		return nil
	case last.Size > next.Size:
		return fault.Conflict.New("%d records were signed and the database has only %d: it was put back, or is another one; if an older record had to be restored, `kutse audit accept-restore`", last.Size, next.Size)
	}
	proof, err := merkle.ProveTree(ctx, logHashes{t, year}, last.Size, next.Size)
	if err != nil {
		return err
	}
	if merkle.CheckTree(proof, next.Size, next.Root, last.Size, last.Root) != nil {
		return fault.Conflict.New("the database does not hold the %d records that were signed: it was changed, or is another one; if an older record had to be restored, `kutse audit accept-restore`", last.Size)
	}
	return nil
}

// signs signs a checkpoint, and says which key signs for the first time, if one does.
func (st standing) signs(c merkle.Checkpoint) (_ merkle.Checkpoint, newKey string, err error) {
	c.Origin = st.sign.Origin
	sign := []merkle.Signer{st.sign.Now.Signer}
	switch {
	case st.vkey == "":
		newKey = st.sign.Now.VKey
	case st.sign.Next != nil:
		newKey, c.Next = st.sign.Next.VKey, st.sign.Next.VKey
		sign = append(sign, st.sign.Next.Signer)
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
