package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
)

var (
	insertAuditFinding = statement(`
INSERT INTO audit_finding (id, application, object, kind, text, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	// ids are made in the order of time
	auditFindings = statement(`
SELECT id, application, object, kind, text, actor, at FROM audit_finding
 WHERE ($1 = '' OR id < NULLIF($1, '')::uuid) ORDER BY id DESC LIMIT $2`)
	auditFindingsOf = statement(`
SELECT id, application, object, kind, text, actor, at FROM audit_finding
 WHERE application = $3::uuid AND ($1 = '' OR id < NULLIF($1, '')::uuid) ORDER BY id DESC LIMIT $2`)
)

const (
	maxAuditFinding  = 4000 // bytes: a page of them fits into one reply
	maxAuditFindings = 100
)

func auditFindingField(id string) string { return "audit_finding." + id }

// FileAuditFinding records what an auditor found in a case: a nonconformity or an
// observation (ISO 19011:2018, 6.4.8), with the record that it is about. It may tell
// of the candidate, so it is sealed under the candidate's key. It changes nothing in
// the case.
func (s *Store) FileAuditFinding(ctx context.Context, a Actor, req request.FileAuditFinding) (request.Receipt, error) {
	return s.actOn(ctx, a, "audit-finding.file", req.Application, req, func(ctx context.Context, c *change) error {
		if !slices.Contains(request.AuditFindingKinds(), req.Kind) {
			return fault.Invalid.New("%.40q is no kind of audit finding; kinds are %v", string(req.Kind), request.AuditFindingKinds())
		}
		if err := prose.Check("the text", req.Text, maxAuditFinding); err != nil {
			return err
		}
		if len(req.Object) > maxObject || !isID(req.Object) {
			return fault.Invalid.New("object is the id of a record, not %.80q", req.Object)
		}
		candidate := person.ID(c.app.Candidate)
		if candidate == a.ID {
			return fault.Forbidden.New("nobody audits their own case")
		}
		id := newID()
		text, err := c.sealer(ctx).Seal(candidate, auditFindingField(id), []byte(req.Text))
		if err != nil {
			return gone(err, candidate)
		}
		if _, err := c.ExecContext(ctx, insertAuditFinding, id, c.app.ID, req.Object, req.Kind, text, a.ID, c.at); err != nil {
			return err
		}
		c.receipt.Record = id
		return c.recorded("audit_finding", id, row{
			"id": id, "application": c.app.ID, "object": req.Object, "kind": req.Kind, "text": text, "actor": a.ID, "at": c.at,
		})
	})
}

// maxObject bounds the id of a record, in bytes.
const maxObject = 128

// isID says whether s can be the id of a record, of any kind, or is empty: it is
// kept as it is, so nothing else may stand there.
func isID(s string) bool {
	return !slices.ContainsFunc([]rune(s), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}

type auditFindingRow struct {
	ID          string
	Application application.ID
	Object      string
	Kind        request.AuditFindingKind
	Text        []byte
	Actor       person.ID
	At          time.Time
}

// AuditFindings lists what auditors found, newest first. The texts are given with
// one application alone, whose candidate sees that they were read; the list of all
// cases names records and kinds, and opens nobody's data.
func (s *Store) AuditFindings(ctx context.Context, a Actor, req request.AuditFindingPage) (request.AuditFindings, error) {
	page := request.AuditFindings{Findings: []request.AuditFinding{}}
	if req.After != "" {
		if err := request.CheckID("after, the next of the page before,", req.After); err != nil {
			return page, err
		}
	}
	limit := bounded(req.Limit, maxAuditFindings)
	if req.Application == "" {
		err := s.read(ctx, a, func(t tx) error { return t.auditFindings(ctx, &page, "", limit, auditFindings, req.After, limit) })
		return page, err
	}
	err := s.readRecorded(ctx, a, func(t tx) error {
		app, err := t.visible(ctx, a, req.Application)
		if err != nil {
			return err
		}
		candidate := person.ID(app.Candidate)
		if err := t.reading(ctx, a, "audit-finding.list", req.Purpose, candidate, app.ID); err != nil {
			return err
		}
		return t.auditFindings(ctx, &page, candidate, limit, auditFindingsOf, req.After, limit, app.ID)
	})
	return page, err
}

// auditFindings reads a page, with the texts that are of one person.
func (t tx) auditFindings(ctx context.Context, page *request.AuditFindings, of person.ID, limit int, query string, args ...any) error {
	var rows []auditFindingRow
	if err := t.SelectContext(ctx, &rows, query, args...); err != nil {
		return err
	}
	for _, r := range rows {
		f := request.AuditFinding{Finding: r.ID, Application: r.Application, Object: r.Object, Kind: r.Kind, By: r.Actor, At: r.At.UTC()}
		if of != "" {
			plain, err := t.sealer(ctx).Open(of, auditFindingField(r.ID), r.Text)
			if err != nil && !erased(err) {
				return err
			}
			f.Text = string(plain)
		}
		page.Findings = append(page.Findings, f)
	}
	if len(rows) == limit {
		page.Next = rows[limit-1].ID
	}
	return nil
}
