// Package kek has the key-encryption key: the one that the data keys of people
// are wrapped under where they are kept. It is in a file, or in a key service
// that a build links; the data keys never leave the process unwrapped.
//
// It is a package of its own, so that package seal knows nothing of where keys
// are.
package kek

import (
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

// KEK wraps the data keys of people.
type KEK interface {
	// Wrap returns the key of p in a form that is safe to store.
	Wrap(p person.ID, k seal.DataKey) (wrapped []byte, err error)

	// Unwrap returns what Wrap was given. It fails for another person.
	Unwrap(p person.ID, wrapped []byte) (seal.DataKey, error)

	// ID names the key that Wrap uses now, to be stored beside what it returns:
	// what stands under another ID is to be wrapped anew. Ask before wrapping: if
	// the key changes in between, a row is wrapped anew once too often, and never
	// too seldom.
	ID() string
}

// Open returns the key that uri names: file:<path> for one in a file (Create),
// and whatever the key services that this build links understand. The error is
// fault.Invalid when there is no such key.
func Open(uri string) (KEK, error) {
	if path, ok := strings.CutPrefix(uri, "file:"); ok {
		return openFile(path)
	}
	client, err := registry.GetKMSClient(uri)
	if err != nil {
		return nil, fault.Invalid.Because(err, "%q names no key that this build can use: say file:PATH, or use a build that links the key service", uri)
	}
	aead, err := client.GetAEAD(uri)
	if err != nil {
		return nil, fault.Invalid.Because(err, "the key service does not give the key %q: %v", uri, err)
	}
	return Over(aead, uri), nil
}

// Over is a KEK over anything that encrypts as Tink has it. id is what it is
// called where rows wrapped under it are looked for.
func Over(aead tink.AEAD, id string) KEK { return over{aead, id} }

type over struct {
	aead tink.AEAD
	id   string
}

// ID implements KEK.
func (o over) ID() string { return o.id }

// Wrap implements KEK.
func (o over) Wrap(p person.ID, k seal.DataKey) ([]byte, error) {
	key := k.Bytes()
	if p == "" || key == nil {
		return nil, fmt.Errorf("wrapping the key of %q: it takes a person and a key", p)
	}
	wrapped, err := o.aead.Encrypt(key, bind(p))
	if err != nil {
		return nil, fmt.Errorf("wrapping the key of %s under %s: %w", p, o.id, err)
	}
	return wrapped, nil
}

// Unwrap implements KEK.
func (o over) Unwrap(p person.ID, wrapped []byte) (seal.DataKey, error) {
	key, err := o.aead.Decrypt(wrapped, bind(p))
	if err != nil {
		return seal.DataKey{}, fmt.Errorf("unwrapping the key of %s with %s: %w", p, o.id, err)
	}
	return seal.ParseDataKey(key)
}

// bind is what a wrapped key is bound to: moved to the row of another person it
// does not unwrap.
func bind(p person.ID) []byte { return []byte("kutse data key v1\n" + string(p)) }
