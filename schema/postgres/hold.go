package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// PlaceHold keeps a person's data from erasure.
func (s *Store) PlaceHold(ctx context.Context, a Actor, _ request.PlaceHold) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// LiftHold lifts a legal hold.
func (s *Store) LiftHold(ctx context.Context, a Actor, _ request.LiftHold) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// LegalHolds lists legal holds.
func (s *Store) LegalHolds(ctx context.Context, a Actor, _ request.HoldPage) (request.Holds, error) {
	return request.Holds{}, s.notBuilt(ctx, a)
}
