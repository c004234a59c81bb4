package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// BringPrior records a prior assessment.
func (s *Store) BringPrior(ctx context.Context, a Actor, _ request.BringPrior) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// Priors lists the actor's own prior assessments.
func (s *Store) Priors(ctx context.Context, a Actor, _ request.PriorsOf) (request.Priors, error) {
	return request.Priors{}, s.notBuilt(ctx, a)
}

// Prior reads a prior assessment.
func (s *Store) Prior(ctx context.Context, a Actor, _ request.OfPrior) (request.Prior, error) {
	return request.Prior{}, s.notBuilt(ctx, a)
}
