package postgres

import (
	"context"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/fault"
)

var roundsWithoutTask = statement(`
SELECT r.id FROM round r WHERE r.application = $1 AND NOT EXISTS (SELECT 1 FROM task t WHERE t.round = r.id) ORDER BY r.position, r.id`)

// Outstanding says what the record waits for from the workflow of a case. It only
// reads.
func (s *Store) Outstanding(ctx context.Context, app application.ID) (application.Outstanding, error) {
	var out application.Outstanding
	err := s.transact(ctx, func(t tx) error {
		row, err := oneApplication(ctx, t, getApplication, app)
		if err != nil {
			return err
		}
		if row == nil {
			return fault.NotFound.New("there is no application %s", app)
		}
		out = application.Outstanding{State: row.State, Propose: row.State == application.Gathering}
		if err := t.SelectContext(ctx, &out.Open, roundsWithoutTask, app); err != nil {
			return err
		}
		closed, err := t.closedUnweighed(ctx, app)
		if err != nil {
			return err
		}
		out.Weigh = len(closed) > 0
		c := &change{tx: t, app: row}
		out.LookAt, err = c.nextDue(ctx)
		return err
	})
	return out, err
}
