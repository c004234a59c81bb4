package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// keys are the keys of the people of one page.
type keys struct {
	kek     kek.KEK
	wrapped map[person.ID][]byte
	opened  map[person.ID]seal.DataKey
}

// DataKey implements seal.Keys. Who has no key is taken for erased: whether they
// should have one, erasure.keyless says.
func (k *keys) DataKey(p person.ID) (seal.DataKey, error) {
	if key, ok := k.opened[p]; ok {
		return key, nil
	}
	wrapped, ok := k.wrapped[p]
	if !ok {
		return seal.DataKey{}, fmt.Errorf("the key of %s: %w", p, seal.ErrErased)
	}
	if k.kek == nil {
		return seal.DataKey{}, errors.New("there is no key-encryption key")
	}
	key, err := k.kek.Unwrap(p, wrapped)
	if err == nil {
		k.opened[p] = key
	}
	return key, err
}

// readKeys reads the keys of people, and forgets those of the page before.
func (r *reading) readKeys(ctx context.Context, people []string) error {
	r.keys.wrapped, r.keys.opened = map[person.ID][]byte{}, map[person.ID]seal.DataKey{}
	if !r.hasKeys {
		return nil
	}
	var found []struct {
		Person  person.ID
		Wrapped []byte
	}
	if err := r.tx.SelectContext(ctx, &found, `SELECT person, wrapped FROM kutse_keys.data_key WHERE person = ANY($1)`, pq.Array(people)); err != nil {
		return fmt.Errorf("reading the keys of people: %w", err)
	}
	for _, f := range found {
		r.keys.wrapped[f.Person] = f.Wrapped
	}
	return nil
}
