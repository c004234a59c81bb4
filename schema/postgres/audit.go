package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

var auditPage = statement(`
SELECT at, id, actor, role, act, application, object, position, payload FROM audit
 WHERE ($1 = '' OR application = NULLIF($1, '')::uuid) AND (at, id) > ($2, $3::uuid)
 ORDER BY at, id LIMIT $4`)

// maxAudit bounds a page of the audit trail.
const maxAudit = 500

// Audit reads a page of the audit trail, oldest first. It does not show who the
// people are: their ids are opaque. The trail of one application is complete up to
// its last row; in the trail of all, an act that takes long may still show up
// before rows that were read: whoever follows it asks for the last minute again.
func (s *Store) Audit(ctx context.Context, a Actor, req request.AuditPage) (request.Audit, error) {
	page := request.Audit{Rows: []request.AuditRow{}}
	if req.Application != "" {
		if err := request.CheckID("an application's id", string(req.Application)); err != nil {
			return page, err
		}
	}
	at, id, err := parseCursor(req.After)
	if err != nil {
		return page, err
	}
	limit := req.Limit
	if limit <= 0 || limit > maxAudit {
		limit = maxAudit
	}
	err = s.read(ctx, a, func(t tx) error {
		var rows []struct {
			At          time.Time
			ID          string
			Actor       string
			Role        string
			Act         string
			Application sql.NullString
			Object      string
			Position    int
			Payload     []byte
		}
		if err := t.SelectContext(ctx, &rows, auditPage, req.Application, at, id, limit); err != nil {
			return err
		}
		for _, r := range rows {
			page.Rows = append(page.Rows, request.AuditRow{
				ID: r.ID, At: r.At.UTC(), Actor: r.Actor, Role: r.Role, Act: r.Act, Application: application.ID(r.Application.String),
				Object: r.Object, Position: r.Position, Payload: canon.Digest(r.Payload),
			})
		}
		if len(rows) == limit {
			last := rows[limit-1]
			page.Next = last.At.UTC().Format(time.RFC3339Nano) + "," + last.ID
		}
		return nil
	})
	return page, err
}

// parseCursor reads the place after which a page begins; empty for the first.
func parseCursor(after string) (time.Time, string, error) {
	if after == "" {
		return time.Time{}, "00000000-0000-0000-0000-000000000000", nil
	}
	when, id, _ := strings.Cut(after, ",")
	at, err := time.Parse(time.RFC3339Nano, when)
	if err != nil || request.CheckID("a cursor", id) != nil {
		return time.Time{}, "", fault.Invalid.New("after is the next of the page before, not %.80q", after)
	}
	return at, id, nil
}

var (
	countStates = statement(`SELECT state, count(*) AS n FROM application GROUP BY state`)
	countRecord = statement(`
SELECT (SELECT count(*) FROM evidence_item) AS submissions, (SELECT count(*) FROM verdict) AS verdicts,
       (SELECT count(*) FROM decision) AS decisions, (SELECT count(*) FROM register_entry) AS entries,
       (SELECT count(*) FROM audit) AS audit_rows, (SELECT count(*) FROM event) AS events,
       (SELECT count(*) FROM outbox) AS unpublished`)
)

// Stats counts the record.
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
		var n struct {
			Submissions, Verdicts, Decisions, Entries, Events, Unpublished int
			AuditRows                                                      int `db:"audit_rows"`
		}
		if err := t.GetContext(ctx, &n, countRecord); err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		stats.Submissions, stats.Verdicts, stats.Decisions, stats.Entries = n.Submissions, n.Verdicts, n.Decisions, n.Entries
		stats.AuditRows, stats.Events, stats.Unpublished = n.AuditRows, n.Events, n.Unpublished
		return nil
	})
	return stats, err
}

var ensurePartitions = statement(`SELECT kutse.ensure_partitions($1::date, $2)`)

// partitionsAhead is how many months are prepared.
const partitionsAhead = 3

// EnsurePartitions prepares what is partitioned by month for this one and the next two.
// Harmless twice.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, ensurePartitions, s.clock().Format(time.DateOnly), partitionsAhead)
	return explain(err)
}

var countTransactions = statement(`SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`)

// Transactions is how many transactions the database has committed, as far as its
// sessions have told: about a second late.
func (s *Store) Transactions(ctx context.Context) (n int64, err error) {
	return n, explain(s.db.GetContext(ctx, &n, countTransactions))
}
