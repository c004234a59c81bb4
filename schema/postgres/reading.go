package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// Readings lists who read the actor's own data.
func (s *Store) Readings(ctx context.Context, a Actor, _ request.ReadingPage) (request.Readings, error) {
	return request.Readings{}, s.notBuilt(ctx, a)
}

// SearchReadings searches who read whose data.
func (s *Store) SearchReadings(ctx context.Context, a Actor, _ request.ReadingSearch) (request.Readings, error) {
	return request.Readings{}, s.notBuilt(ctx, a)
}
