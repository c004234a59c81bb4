package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// FileAuditFinding records what an auditor found.
func (s *Store) FileAuditFinding(ctx context.Context, a Actor, _ request.FileAuditFinding) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// AuditFindings lists what auditors found.
func (s *Store) AuditFindings(ctx context.Context, a Actor, _ request.AuditFindingPage) (request.AuditFindings, error) {
	return request.AuditFindings{}, s.notBuilt(ctx, a)
}
