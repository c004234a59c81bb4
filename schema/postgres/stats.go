package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
)

var (
	countStates = statement(`SELECT state, count(*) AS n FROM application GROUP BY state`)
	countRecord = statement(`
SELECT (SELECT count(*) FROM decision) AS decisions, (SELECT count(*) FROM register_entry) AS entries,
       (SELECT count(*) FROM outbox) AS unpublished`)
	countSealed = statement(`
SELECT (SELECT COALESCE(sum((SELECT max(position) + 1 FROM log_entry e WHERE e.year = y.year)), 0)::bigint
          FROM (SELECT DISTINCT year FROM log_key) AS y) AS sealed,
       (SELECT count(*) FROM log_waiting) AS waiting`)
	// The sealer came as far as its cursor. After a restore it starts over and passes
	// what is sealed, so each row is looked up: one by one, since a join would be
	// planned for all rows, and there are few. It runs under onePlan.
	countUnsealed = statement(`
SELECT count(*) FROM audit a
 WHERE (a.xid, a.id) > ((SELECT xid FROM log_cursor), (SELECT id FROM log_cursor))
   AND (SELECT e.year FROM log_entry e WHERE e.audit = a.id LIMIT 1) IS NULL`)
	// Where yesterday began, by the record's clock and by the machine's: ids are made by
	// the machine's.
	settledDay    = statement(`SELECT date_trunc('day', LEAST($1::timestamptz, now()) - interval '1 day')`)
	countEvents   = statement(`SELECT count(*) FROM event WHERE at >= $1 AND at < $2`)
	countEvidence = statement(`SELECT count(*) FROM evidence_item WHERE id >= $1::uuid AND id < $2::uuid`)
	countVerdicts = statement(`SELECT count(*) FROM verdict WHERE id >= $1::uuid AND id < $2::uuid`)
)

// tallies are what [Store.Stats] counted before.
type tallies struct{ evidence, verdicts, events tally }

// tally is how many rows of a table there are up to a day. Facts are never changed
// and never recorded under a day that is long over, so each is counted once in the
// life of a process, and after that only those of the last two days. What somebody
// deletes behind our back is seen by `kutse audit check`, not here.
type tally struct {
	mu     sync.Mutex
	before time.Time
	n      int
}

func (t tx) tally(ctx context.Context, y *tally, settled time.Time, count string, bound func(time.Time) any) (int, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if settled.After(y.before) {
		var n int
		if err := t.GetContext(ctx, &n, count, bound(y.before), bound(settled)); err != nil {
			return 0, fmt.Errorf("counting: %w", err)
		}
		y.n, y.before = y.n+n, settled
	}
	var n int
	if err := t.GetContext(ctx, &n, count, bound(y.before), bound(end.At)); err != nil {
		return 0, fmt.Errorf("counting: %w", err)
	}
	return y.n + n, nil
}

func byAt(at time.Time) any { return at }

// byID is the smallest id that is made from a time on: the first 48 bits of a
// UUIDv7 are its milliseconds (RFC 9562, 5.7).
func byID(at time.Time) any {
	ms := min(max(at.UnixMilli(), 0), 1<<48-1)
	return fmt.Sprintf("%08x-%04x-0000-0000-000000000000", ms>>16, ms&0xffff)
}

// Stats counts the record, exactly. What grows without end is not counted anew each
// time: audit rows are counted by the size of their logs, evidence, verdicts and
// facts from where the last count ended.
func (s *Store) Stats(ctx context.Context, a Actor) (request.Stats, error) {
	stats := request.Stats{Applications: map[application.State]int{}}
	err := s.read(ctx, a, func(t tx) error {
		var states []struct {
			State application.State
			N     int
		}
		if err := t.SelectContext(ctx, &states, countStates); err != nil {
			return err
		}
		for _, r := range states {
			stats.Applications[r.State] = r.N
		}
		if err := t.countFacts(ctx, &stats); err != nil {
			return err
		}
		return t.countTrail(ctx, &stats)
	})
	return stats, err
}

func (t tx) countFacts(ctx context.Context, stats *request.Stats) error {
	var n struct{ Decisions, Entries, Unpublished int }
	if err := t.GetContext(ctx, &n, countRecord); err != nil {
		return fmt.Errorf("counting: %w", err)
	}
	stats.Decisions, stats.Entries, stats.Unpublished = n.Decisions, n.Entries, n.Unpublished
	var settled time.Time
	err := t.GetContext(ctx, &settled, settledDay, t.s.clock())
	if err != nil {
		return err
	}
	known := &t.s.tallies
	if stats.Submissions, err = t.tally(ctx, &known.evidence, settled, countEvidence, byID); err != nil {
		return err
	}
	if stats.Verdicts, err = t.tally(ctx, &known.verdicts, settled, countVerdicts, byID); err != nil {
		return err
	}
	stats.Events, err = t.tally(ctx, &known.events, settled, countEvents, byAt)
	return err
}

// countTrail counts audit rows: those that have a place in a log, which has no gaps,
// and those that the sealer has not come to or has put by. It comes last, for the
// planner is bound from here on.
func (t tx) countTrail(ctx context.Context, stats *request.Stats) error {
	var sealed struct{ Sealed, Waiting int }
	if err := t.GetContext(ctx, &sealed, countSealed); err != nil {
		return fmt.Errorf("counting the log: %w", err)
	}
	if _, err := t.ExecContext(ctx, onePlan); err != nil {
		return err
	}
	var unsealed int
	if err := t.GetContext(ctx, &unsealed, countUnsealed); err != nil {
		return fmt.Errorf("counting what is not sealed: %w", err)
	}
	stats.Unsealed = unsealed + sealed.Waiting
	stats.AuditRows = sealed.Sealed + stats.Unsealed
	return nil
}
