package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// Timeline reads what happened in one case.
func (s *Store) Timeline(ctx context.Context, a Actor, _ request.OfCase) (request.Timeline, error) {
	return request.Timeline{}, s.notBuilt(ctx, a)
}
