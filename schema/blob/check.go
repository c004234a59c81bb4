package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// ErrDamaged says that what stands at an address is not the file that was stored
// there.
var ErrDamaged = errors.New("this is not the file that was stored here")

// Check reads the file at an address, all of it, and says what it is. Its content
// leads to that address, so it is the one that was stored.
//
// The error is fault.NotFound when there is no file, wraps seal.ErrErased too
// when that is because the person was erased, and wraps ErrDamaged when there is
// another file or part of one.
func (s *Store) Check(p person.ID, address canon.Salt) (Stored, error) {
	f, err := s.openAt(p, address)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Stored{}, fault.NotFound.New("there is no file at %s", address)
	case err != nil:
		return Stored{}, damaged(address, err)
	}
	defer f.Close() // only read from
	stored, err := sum(f)
	if err != nil {
		return Stored{}, damaged(address, err)
	}
	leads, err := s.address(p, stored.Digest)
	if err != nil {
		return Stored{}, nothingLeft(err)
	}
	if leads != address {
		return Stored{}, fmt.Errorf("checking file %s: %w: its content belongs at %s", address, ErrDamaged, leads)
	}
	stored.Address = address
	return stored, nil
}

// sum reads all of r.
func sum(r io.Reader) (Stored, error) {
	hash := sha256.New()
	kind, n, err := mediaType(io.TeeReader(r, hash))
	if err != nil {
		return Stored{}, err
	}
	rest, err := io.Copy(hash, r)
	return Stored{Digest: canon.Digest(hash.Sum(nil)), Size: int64(n) + rest, MediaType: kind}, err
}

// damaged tells a disk that does not answer from a seal that does not open.
func damaged(address canon.Salt, err error) error {
	var disk *fs.PathError
	if fault.Of(err) != "" || errors.As(err, &disk) {
		return err
	}
	return fmt.Errorf("checking file %s: %w: %w", address, ErrDamaged, err)
}
