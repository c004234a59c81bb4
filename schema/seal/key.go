package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

// keyBytes is how long a data key is.
const keyBytes = 32

// DataKey is a person's data key: 256 random bits that everything of the person
// is sealed under. It never shows itself, whatever prints it. The zero DataKey
// seals and opens nothing.
type DataKey struct {
	// Within a function, because fmt goes into a struct that holds a DataKey
	// without asking the DataKey how to print it, and follows pointers there.
	bytes func() *[keyBytes]byte
}

func keyOf(b *[keyBytes]byte) DataKey { return DataKey{func() *[keyBytes]byte { return b }} }

// NewDataKey makes a key that nobody has had before.
func NewDataKey() DataKey {
	b := new([keyBytes]byte)
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return keyOf(b)
}

// ParseDataKey takes the bytes of a key from what unwrapped it. It copies them.
func ParseDataKey(b []byte) (DataKey, error) {
	if len(b) != keyBytes {
		return DataKey{}, fmt.Errorf("a data key has %d bytes, not %d", keyBytes, len(b))
	}
	k := [keyBytes]byte(b)
	return keyOf(&k), nil
}

// Bytes is a copy of the key itself, for wrapping and for nothing else; nil for
// the zero DataKey.
func (k DataKey) Bytes() []byte {
	if k.bytes == nil {
		return nil
	}
	return bytes.Clone(k.bytes()[:])
}

// Equal says whether two keys are the same, without telling by the time it takes.
func (k DataKey) Equal(other DataKey) bool {
	return subtle.ConstantTimeCompare(k.Bytes(), other.Bytes()) == 1
}

// String says that this is a key, and not which.
func (DataKey) String() string { return "a data key" }

// Format implements fmt.Formatter: under every verb it is what String says.
func (k DataKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText keeps a key out of JSON and out of structured logs.
func (k DataKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// The uses of a data key. Each has its own key derived from it, so that nothing
// made for one can be taken for another. They never change.
const (
	useSeal = "kutse seal v1" // Seal and Open
	useFile = "kutse file v1" // the key of each file, in its header
	useSalt = "kutse salt v1\n"
)

// derive is HKDF-Expand (RFC 5869, 2.3): the key is random already, so there is
// nothing to extract.
func (k DataKey) derive(use string) ([]byte, error) {
	if k.bytes == nil {
		return nil, errors.New("this is no data key")
	}
	return hkdf.Expand(sha256.New, k.bytes()[:], use, keyBytes)
}

func (k DataKey) aead(use string) (cipher.AEAD, error) {
	derived, err := k.derive(use)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Salt is the salt of a record ("request.<id>", "evidence.<id>"): the same for
// the same key and record. It says nothing about the key, so a single one may be
// disclosed. It is gone when the key is.
func (k DataKey) Salt(record string) (canon.Salt, error) {
	b, err := k.derive(useSalt + record)
	if err != nil {
		return canon.Salt{}, err
	}
	return canon.Salt(b), nil
}

// Keys is where the data keys of people are.
type Keys interface {
	// DataKey returns the key of a person. The error wraps ErrErased when the key
	// was destroyed, and never afterwards is there another key for that person.
	DataKey(p person.ID) (DataKey, error)
}

// ErrErased says that what belonged to a person was erased: their key is
// destroyed, and nothing that was sealed under it opens ever again.
var ErrErased = errors.New("what belonged to this person was erased")
