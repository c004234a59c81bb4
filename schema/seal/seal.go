// Package seal is the one seam through which what belongs to a person passes on
// its way into storage and out of it: names, contact data, free text and the
// bytes of evidence. Nothing personal is stored that did not go through a Sealer.
//
// The first byte of everything sealed is its format. Format 1 is sealed under a
// key that each person has alone: erasing the key erases the person everywhere,
// backups included. Format 0 is the plain text; nothing that runs writes or
// reads it.
package seal

import (
	"errors"
	"fmt"
	"io"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

// Sealer seals what belongs to a person and opens it again. field says where the
// bytes are kept ("person.name", "blob.file:<digest>"); it never changes for
// bytes that are stored, because a sealer may bind them to it: what was sealed
// for one person and field need not open for another.
//
// An error of Open or OpenFrom means that the bytes are not what was sealed.
// That is never a person's doing, so it is no fault.
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

// formatPlain stands before what is stored as it is.
const formatPlain byte = 0x00

// Plain is format 0: it keeps the bytes as they are, behind their tag. Whoever
// reads the disk reads them.
type Plain struct{}

var _ Sealer = Plain{}

// Seal implements Sealer.
func (Plain) Seal(p person.ID, field string, plain []byte) ([]byte, error) {
	if err := check(p, field); err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, 1+len(plain))
	return append(append(sealed, formatPlain), plain...), nil
}

// Open implements Sealer.
func (Plain) Open(p person.ID, field string, sealed []byte) ([]byte, error) {
	if err := check(p, field); err != nil {
		return nil, err
	}
	if len(sealed) == 0 {
		return nil, fmt.Errorf("opening %s: nothing is sealed there", field)
	}
	if sealed[0] != formatPlain {
		return nil, unknown(field, sealed[0])
	}
	return sealed[1:], nil
}

// SealTo implements Sealer.
func (Plain) SealTo(p person.ID, field string, w io.Writer) (io.WriteCloser, error) {
	if err := check(p, field); err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte{formatPlain}); err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	return plainWriter{w}, nil
}

// OpenFrom implements Sealer.
func (Plain) OpenFrom(p person.ID, field string, r io.Reader) (io.Reader, error) {
	if err := check(p, field); err != nil {
		return nil, err
	}
	var tag [1]byte
	if _, err := io.ReadFull(r, tag[:]); err != nil {
		return nil, fmt.Errorf("opening %s: reading its format: %w", field, err)
	}
	if tag[0] != formatPlain {
		return nil, unknown(field, tag[0])
	}
	if s, ok := r.(io.ReadSeeker); ok {
		return plainSeeker{s}, nil
	}
	return r, nil
}

// Salt implements Sealer. It protects nothing: anybody can compute it.
func (Plain) Salt(p person.ID, record string) (canon.Salt, error) {
	if err := check(p, record); err != nil {
		return canon.Salt{}, err
	}
	return canon.Salt(canon.Sum([]byte(string(p) + "\n" + record))), nil
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

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

// plainSeeker hides the tag: its offset 0 is the first byte after it.
type plainSeeker struct{ r io.ReadSeeker }

func (s plainSeeker) Read(b []byte) (int, error) { return s.r.Read(b) }

func (s plainSeeker) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		if offset < 0 {
			return 0, errors.New("seeking before the beginning")
		}
		offset++
	}
	at, err := s.r.Seek(offset, whence)
	if err != nil {
		return 0, err
	}
	if at == 0 {
		// Between the tag and the beginning there is nothing to read: go back.
		if _, err := s.r.Seek(1, io.SeekStart); err != nil {
			return 0, err
		}
		return 0, errors.New("seeking before the beginning")
	}
	return at - 1, nil
}
