package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// CommitSample makes a seed and records its commitment.
func (s *Store) CommitSample(ctx context.Context, a Actor, _ request.CommitSample) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// DrawSample discloses a seed and draws the sample.
func (s *Store) DrawSample(ctx context.Context, a Actor, _ request.DrawSample) (request.Receipt, error) {
	return request.Receipt{}, s.notBuilt(ctx, a)
}

// Sample reads a sample.
func (s *Store) Sample(ctx context.Context, a Actor, _ request.OfSample) (request.Sample, error) {
	return request.Sample{}, s.notBuilt(ctx, a)
}
