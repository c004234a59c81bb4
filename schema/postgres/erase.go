package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// ErasePerson destroys a person's key.
func (s *Store) ErasePerson(ctx context.Context, a Actor, _ request.ErasePerson) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}
