package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
)

// LogKeys lists the logs of the audit trail with the keys that verify them.
func (s *Store) LogKeys(ctx context.Context, a Actor) (request.LogKeys, error) {
	return request.LogKeys{}, s.notBuilt(ctx, a)
}

// ReadLog reads bytes of a log's published form.
func (s *Store) ReadLog(ctx context.Context, a Actor, _ request.ReadLog) ([]byte, error) {
	return nil, s.notBuilt(ctx, a)
}

// Prove shows that a record stands in the log.
func (s *Store) Prove(ctx context.Context, a Actor, _ request.OfRecord) (request.Proof, error) {
	return request.Proof{}, s.notBuilt(ctx, a)
}
