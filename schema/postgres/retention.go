package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// Retention says until when a person's data is kept.
func (s *Store) Retention(ctx context.Context, a Actor, _ request.OfPerson) (request.Retention, error) {
	return request.Retention{}, s.notBuilt(ctx, a)
}

// RetentionDue lists the people whose terms are over.
func (s *Store) RetentionDue(ctx context.Context, a Actor, _ request.RetentionPage) (request.RetentionDue, error) {
	return request.RetentionDue{}, s.notBuilt(ctx, a)
}
