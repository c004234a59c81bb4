package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

const auditColumns = `at, id, actor, role, act, application, candidate, standard, object, position, request, payload`

// The filters of the audit trail, in the order in which they lead: the one that
// narrows most comes first.
const (
	byApplication = iota
	byCandidate
	byActor
	byStandard
	byAct
	byTime // no filter
)

var auditLeads = [...]lead{
	byApplication: {"application", "::uuid", true},
	byCandidate:   {"candidate", "", true},
	byActor:       {"actor", "", false},
	byStandard:    {"standard", "", true},
	byAct:         {"act", "", false},
	byTime:        everything,
}

// auditWalks are the statements by leading filter, oldest and newest first.
var auditWalks = func() (walks [len(auditLeads)][2]walk) {
	for i, l := range auditLeads {
		for n, newest := range []bool{false, true} {
			walks[i][n] = newWalk("audit", auditColumns, l, newest,
				`($6 = '' OR application = NULLIF($6, '')::uuid) AND ($7 = '' OR candidate = $7) AND ($8 = '' OR actor = $8)
  AND ($9 = '' OR standard = $9) AND ($10 = '' OR act = $10)`)
		}
	}
	return walks
}()

// maxAudit bounds a page of the audit trail.
const maxAudit = 500

func (r leafRow) place() place { return place{r.At, r.ID} }

// Audit reads a page of the audit trail: of one application, about one candidate,
// by one actor, about one standard, of one kind of act, in a span of time, or any
// of these together; oldest first or newest. A page looks at up to 10,000 rows of
// its leading filter: where the other filters let few of them through it is short,
// even empty, and its Next says where to go on. Only a page without Next is the last.
//
// The rows name people by opaque ids alone. A page that names a candidate or an
// application is about one person, and that person sees that it was read; any other
// opens nobody's data.
//
// The trail of one application is complete up to its last row; in the trail of all,
// an act that takes long may still show up before rows that were read: whoever
// follows it asks for the last minute again, or reads the log.
func (s *Store) Audit(ctx context.Context, a Actor, req request.AuditPage) (request.Audit, error) {
	page := request.Audit{Rows: []request.AuditRow{}}
	if req.Application != "" {
		if err := request.CheckID("an application's id", string(req.Application)); err != nil {
			return page, err
		}
	}
	begin, bound, err := span{req.Newest, req.From, req.To}.arguments(req.After)
	if err != nil {
		return page, err
	}
	read := s.read
	if req.Candidate != "" || req.Application != "" {
		read = s.readRecorded
	}
	err = read(ctx, a, func(t tx) error {
		known, err := t.aboutOne(ctx, a, "get.audit", req.Purpose, req.Candidate, req.Application)
		if err != nil || !known {
			return err
		}
		page.Rows, page.Next, err = t.auditPage(ctx, req, begin, bound)
		return err
	})
	return page, err
}

func (t tx) auditPage(ctx context.Context, req request.AuditPage, begin place, bound time.Time) ([]request.AuditRow, string, error) {
	limit := bounded(req.Limit, maxAudit)
	filters := []string{string(req.Application), string(req.Candidate), string(req.Actor), req.Standard, req.Act}
	lead := auditLead(filters)
	w := auditWalks[lead][0]
	if req.Newest {
		w = auditWalks[lead][1]
	}
	rows, next, err := search[leafRow](ctx, t, looked{w, filters, lead, begin, bound, limit})
	if err != nil {
		return nil, "", err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	sealed, err := t.sealed(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	list := make([]request.AuditRow, len(rows))
	for i, r := range rows {
		list[i] = request.AuditRow{
			ID: r.ID, At: r.At.UTC(), Actor: r.Actor, Role: r.Role, Act: r.Act, Application: application.ID(r.Application.String),
			Candidate: person.ID(r.Candidate.String), Standard: r.Standard.String, Request: r.Request,
			Object: r.Object, Position: r.Position, Payload: canon.Digest(r.Payload), Sealed: sealed[r.ID],
		}
	}
	return list, next, nil
}

// auditLead says which filter leads: the first that is given; only when there is
// no other, that the system acted, which is true of a large part of all rows.
func auditLead(filters []string) int {
	for i, value := range filters {
		if value != "" && (i != byActor || person.ID(value) != person.System) {
			return i
		}
	}
	if filters[byActor] != "" {
		return byActor
	}
	return byTime
}

var sealedRows = statement(`SELECT audit, year, position FROM log_entry WHERE audit = ANY ($1::uuid[])`)

// sealed says where audit rows stand in the log, those that do.
func (t tx) sealed(ctx context.Context, audit []string) (map[string]*request.Sealed, error) {
	var rows []struct {
		Audit    string
		Year     int
		Position int64
	}
	if err := t.SelectContext(ctx, &rows, sealedRows, pq.Array(audit)); err != nil {
		return nil, err
	}
	at := make(map[string]*request.Sealed, len(rows))
	for _, r := range rows {
		at[r.Audit] = &request.Sealed{Year: r.Year, Position: r.Position}
	}
	return at, nil
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
