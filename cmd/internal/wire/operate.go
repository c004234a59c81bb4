package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/kutse-dev/kutse/events/bus"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/workflows"
)

// MakeRoles makes the database roles where they are missing, as a superuser.
// Harmless twice.
func MakeRoles(ctx context.Context, superuserURL string) (err error) {
	db, err := postgres.Connect(superuserURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return fault.Unavailable.Because(err, "PostgreSQL does not answer: %v", err)
	}
	if _, err := db.ExecContext(ctx, migrations.Roles); err != nil {
		return fmt.Errorf("making the database roles: %w", err)
	}
	return nil
}

// Migrate brings the database that ownerURL names (as kutse_owner) up to date and
// returns the steps it applied. Harmless twice.
func Migrate(ctx context.Context, ownerURL string) (applied []migrations.Applied, err error) {
	db, err := postgres.Connect(ownerURL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return nil, fault.Unavailable.Because(err, "PostgreSQL does not answer: %v", err)
	}
	return migrations.Up(ctx, db.DB)
}

// Reconciled says what a reconciliation found and mended.
type Reconciled struct {
	Facts   int `json:"facts"`   // in the record, older than the grace
	Missing int `json:"missing"` // of them, not in JetStream: put back into the outbox
	Cases   int `json:"cases"`   // that have not ended
	Told    int `json:"told"`    // of them, told to look up what the record waits for
}

// Reconcile finds facts that never reached JetStream and cases whose workflow does
// not know what the record knows, and mends both. Facts younger than grace are
// left to the relay. Harmless twice: JetStream drops a fact it has by its id, and
// every act of a workflow is harmless twice.
func (s *System) Reconcile(ctx context.Context, grace time.Duration) (Reconciled, error) {
	var found Reconciled
	published, err := bus.PublishedIDs(ctx, s.Stream, "")
	if err != nil {
		return found, err
	}
	err = s.Record.PublishedFacts(ctx, time.Now().Add(-grace), func(ids []string) error {
		var missing []string
		for _, id := range ids {
			if !published[id] {
				missing = append(missing, id)
			}
		}
		found.Facts += len(ids)
		found.Missing += len(missing)
		if len(missing) == 0 {
			return nil
		}
		return s.Record.PublishAgain(ctx, missing)
	})
	if err != nil {
		return found, err
	}
	err = s.Record.Underway(ctx, func(app application.ID) error {
		found.Cases++
		if err := workflows.Recover(ctx, s.Temporal, app, uuid.NewString()); err != nil {
			return err
		}
		found.Told++
		return nil
	})
	return found, err
}
