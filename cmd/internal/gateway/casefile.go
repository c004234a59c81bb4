package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/postgres"
)

func (d *Door) makeCaseFile(ctx context.Context, a postgres.Actor, q request.MakeCaseFile) (request.Receipt, error) {
	return d.Record.MakeCaseFile(ctx, a, q)
}

func (d *Door) readCaseFile(ctx context.Context, a postgres.Actor, q request.ReadCaseFile) (fileBytes, error) {
	return d.Record.ReadCaseFile(ctx, a, q)
}
