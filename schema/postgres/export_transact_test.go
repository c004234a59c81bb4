package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// Transact runs do as an act would run, with what transact repeats.
func (s *Store) Transact(ctx context.Context, do func(*sqlx.Tx) error) error {
	return s.transact(ctx, func(t tx) error { return do(t.Tx) })
}

// MaxTries is how often Transact tries.
const MaxTries = maxTries
