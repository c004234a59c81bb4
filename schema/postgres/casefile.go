package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// MakeCaseFile records a case file.
func (s *Store) MakeCaseFile(ctx context.Context, a Actor, _ request.MakeCaseFile) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// ReadCaseFile reads bytes of a case file.
func (s *Store) ReadCaseFile(ctx context.Context, a Actor, _ request.ReadCaseFile) ([]byte, error) {
	return nil, s.notBuilt(ctx, a)
}
