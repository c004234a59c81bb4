package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/postgres"
)

func (d *Door) bringPrior(ctx context.Context, a postgres.Actor, q request.BringPrior) (request.Receipt, error) {
	return d.Record.BringPrior(ctx, a, q)
}
