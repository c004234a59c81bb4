// Package sealtest has keys in memory, for the tests of whatever seals.
package sealtest

import (
	"fmt"
	"sync"

	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

// Keys keeps the data keys of people in memory. The zero value is ready for use,
// by several goroutines. It must not be copied.
type Keys struct {
	mu     sync.Mutex
	have   map[person.ID]seal.DataKey
	erased map[person.ID]bool
}

var _ seal.Keys = (*Keys)(nil)

// Sealer is a sealer with keys of its own.
func Sealer() seal.Sealer { return seal.Keyed{Keys: new(Keys)} }

// DataKey implements seal.Keys. A person gets a key the first time they are asked
// for.
func (k *Keys) DataKey(p person.ID) (seal.DataKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.erased[p] {
		return seal.DataKey{}, fmt.Errorf("the key of %s: %w", p, seal.ErrErased)
	}
	key, ok := k.have[p]
	if !ok {
		if k.have == nil {
			k.have = map[person.ID]seal.DataKey{}
		}
		key = seal.NewDataKey()
		k.have[p] = key
	}
	return key, nil
}

// Forget destroys the key of a person. From then on DataKey returns
// seal.ErrErased for them.
func (k *Keys) Forget(p person.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.erased == nil {
		k.erased = map[person.ID]bool{}
	}
	k.erased[p] = true
	delete(k.have, p)
}
