package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// readLog reads bytes of a log's published form, which are signed and go out as
// they are.
func (d *Door) readLog(ctx context.Context, a postgres.Actor, q request.ReadLog) (fileBytes, error) {
	return d.Record.ReadLog(ctx, a, q)
}
