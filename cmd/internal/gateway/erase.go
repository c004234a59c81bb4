package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/postgres"
)

func (d *Door) erasePerson(ctx context.Context, a postgres.Actor, q request.ErasePerson) (request.Receipt, error) {
	return d.Record.ErasePerson(ctx, a, q)
}
