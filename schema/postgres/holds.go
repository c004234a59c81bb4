package postgres

import "context"

// Holds says, as Forbidden, that the actor does not hold the role they act in. Acts
// and readings ask this themselves; it is for what the door does beside the record.
func (s *Store) Holds(ctx context.Context, a Actor) error {
	return s.read(ctx, a, func(tx) error { return nil })
}
