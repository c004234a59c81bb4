package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/schema/fault"
)

// notBuilt answers what this version does not do yet, to those who might ask it.
func (s *Store) notBuilt(ctx context.Context, a Actor) error {
	return s.read(ctx, a, func(tx) error { return fault.Unavailable.New("not built yet") })
}
