// Package seal is the one seam through which what belongs to a person passes on
// its way into storage and out of it: names, contact data, free text and the
// bytes of evidence. Nothing personal is stored that did not go through a Sealer.
//
// The first byte of everything sealed is its format. Format 1 is sealed under a
// key that each person has alone: erasing the key erases the person everywhere,
// backups included. Format 0 was the plain text, before there were keys;
// nothing writes or reads it.
package seal

import (
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

// Sealer seals what belongs to a person and opens it again. field says where the
// bytes are kept ("person.name", "blob.file:<address>"); it never changes for
// bytes that are stored, because they are bound to it: what was sealed for one
// person and field opens for no other.
//
// An error wraps ErrErased when the person's key is destroyed. Every other error
// of Open or OpenFrom means that the key could not be had or that the bytes are
// not what was sealed. That is never a person's doing, so it is no fault.
type Sealer interface {
	Seal(p person.ID, field string, plain []byte) ([]byte, error)
	Open(p person.ID, field string, sealed []byte) ([]byte, error)

	// SealTo returns a writer that seals into w. What is in w can be opened only
	// after a Close without error. Closing does not close w.
	SealTo(p person.ID, field string, w io.Writer) (io.WriteCloser, error)

	// OpenFrom returns a reader of what SealTo wrote. It can seek when r can and is
	// an io.ReaderAt, as a file is. What it returns before an error is what was
	// sealed, but not all of it.
	OpenFrom(p person.ID, field string, r io.Reader) (io.Reader, error)

	// Salt returns the salt of a record of the person ("request.<id>",
	// "evidence.<id>", "blob.<sha256>"), always the same one. A digest of what is
	// personal leaves the person's own rows only with a salt before it
	// (canon.SaltedSum).
	Salt(p person.ID, record string) (canon.Salt, error)
}

// check holds callers to saying whose bytes these are and where they are kept.
func check(p person.ID, field string) error {
	if p == "" || field == "" {
		return fmt.Errorf("sealing needs a person and a field, not %q and %q", p, field)
	}
	return nil
}

func unknown(field string, tag byte) error {
	return fmt.Errorf("opening %s: format %#02x is not known to this version", field, tag)
}
