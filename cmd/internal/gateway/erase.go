package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// erasePerson erases a person and then removes their files, which nobody can read
// any more. Files that stay, after a crash or on a disk that fails, are no reason to
// call the erasure off: RemoveErased finds them.
func (d *Door) erasePerson(ctx context.Context, a postgres.Actor, q request.ErasePerson) (request.Receipt, error) {
	receipt, err := d.Record.ErasePerson(ctx, a, q)
	if err != nil {
		return receipt, err
	}
	if err := d.Blobs.Erase(q.Person); err != nil {
		d.Log.ErrorContext(ctx, "the files of an erased person are not removed yet", "person", q.Person, "error", err)
	}
	return receipt, nil
}

// RemoveErased removes the files of everybody who was erased, where some are still
// there: after a crash between an erasure and its files, and what a slow upload put
// there since. A process that has a door does it as it begins and then every few
// hours. Harmless twice.
func RemoveErased(ctx context.Context, record *postgres.Store, blobs *blob.Store) error {
	return record.EachErased(ctx, func(p person.ID) error { return blobs.Erase(p) })
}
