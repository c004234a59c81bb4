package postgres

import (
	"context"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/person"
)

var (
	destroyErased = statement(`
DELETE FROM kutse_keys.data_key k USING erasure e WHERE k.person = e.person RETURNING k.person`)
	destroyKeys = statement(`
DELETE FROM kutse_keys.data_key WHERE person = ANY($1) RETURNING person`)
	withoutTombstone = statement(`
SELECT p.id FROM person p WHERE p.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.person = p.id) ORDER BY p.id`)
	barUnknown = statement(`
INSERT INTO kutse_keys.barred (person, at)
SELECT l, $2 FROM unnest($1::text[]) AS l WHERE NOT EXISTS (SELECT 1 FROM person p WHERE p.id = l) ON CONFLICT (person) DO NOTHING RETURNING person`)
)

// Honoured says what honouring erasures found after a restore.
type Honoured struct {
	Destroyed []person.ID `json:"destroyed"` // whose keys had come back, and are gone again
	// Unrecorded are people whose erasure stands in the log and not in this database:
	// their keys are gone, and the council records the tombstone with person.erase.
	Unrecorded []person.ID `json:"unrecorded"`
	// Barred are people whose erasure stands in the log and who are not in this
	// database at all: their ids never get a key here from now on.
	Barred []person.ID `json:"barred"`
}

// Honour destroys the keys of people who were erased and whose keys are there all the
// same: a backup brought them back. logged are people whose erasure stands in a log
// that the caller has verified; nil for none. A tombstone that is missing is not made
// up here: only the council knows its ground, and [Store.ErasePerson] takes it
// without asking for terms, since nothing is left to be kept. It takes none for who
// is not in the database: the id is barred instead. Harmless twice.
func (s *Store) Honour(ctx context.Context, logged []person.ID) (Honoured, error) {
	var out Honoured
	err := s.transact(ctx, func(t tx) error {
		out = Honoured{Destroyed: []person.ID{}, Unrecorded: []person.ID{}, Barred: []person.ID{}}
		if err := t.SelectContext(ctx, &out.Destroyed, destroyErased); err != nil {
			return err
		}
		var more []person.ID
		if err := t.SelectContext(ctx, &more, destroyKeys, pq.Array(logged)); err != nil {
			return err
		}
		out.Destroyed = append(out.Destroyed, more...)
		if err := t.SelectContext(ctx, &out.Barred, barUnknown, pq.Array(logged), s.clock()); err != nil {
			return err
		}
		return t.SelectContext(ctx, &out.Unrecorded, withoutTombstone, pq.Array(logged))
	})
	return out, err
}
