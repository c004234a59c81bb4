package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
)

// formatKeyed stands before what is sealed under the key of its person.
const formatKeyed byte = 0x01

// Keyed is format 1: everything is sealed under the data key of its person, and
// opens only for that person and field. What is short is AES-256-GCM with a
// random nonce; 2^32 pieces under one key are safe. A file is an age file whose
// key is sealed in its header: its chunks are authenticated each, so that it can
// be read from any offset without reading all before it.
//
// It opens no other format: whoever can write into the database could else put
// plain text where sealed text was.
//
// When the key of the person was destroyed, every error wraps ErrErased.
type Keyed struct{ Keys Keys }

var _ Sealer = Keyed{}

// Seal implements Sealer.
func (s Keyed) Seal(p person.ID, field string, plain []byte) ([]byte, error) {
	key, err := s.key(p, field)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	aead, err := key.aead(useSeal)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	sealed := make([]byte, 1, 1+len(plain)+aead.Overhead())
	sealed[0] = formatKeyed
	return aead.Seal(sealed, nil, plain, bind(p, field)), nil
}

// Open implements Sealer.
func (s Keyed) Open(p person.ID, field string, sealed []byte) ([]byte, error) {
	key, err := s.key(p, field)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", field, err)
	}
	if len(sealed) == 0 {
		return nil, fmt.Errorf("opening %s: nothing is sealed there", field)
	}
	if sealed[0] != formatKeyed {
		return nil, unknown(field, sealed[0])
	}
	aead, err := key.aead(useSeal)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", field, err)
	}
	plain, err := aead.Open(nil, nil, sealed[1:], bind(p, field))
	if err != nil {
		return nil, fmt.Errorf("opening %s: this is not what was sealed there for this person: %w", field, err)
	}
	return plain, nil
}

// SealTo implements Sealer.
func (s Keyed) SealTo(p person.ID, field string, w io.Writer) (io.WriteCloser, error) {
	lock, err := s.fileLock(p, field)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	if _, err := w.Write([]byte{formatKeyed}); err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	sealing, err := age.Encrypt(w, lock)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", field, err)
	}
	return sealing, nil
}

// OpenFrom implements Sealer. A reader that seeks reads r from its beginning,
// wherever r stands, and what it returns is an io.ReaderAt too.
func (s Keyed) OpenFrom(p person.ID, field string, r io.Reader) (io.Reader, error) {
	lock, err := s.fileLock(p, field)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", field, err)
	}
	var opened io.Reader
	if whole, ok := r.(seekerAt); ok {
		opened, err = openAt(field, whole, lock)
	} else {
		opened, err = openOn(field, r, lock)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", field, err)
	}
	return opened, nil
}

// seekerAt is what a file is, and a bytes.Reader.
type seekerAt interface {
	io.Seeker
	io.ReaderAt
}

func openAt(field string, r seekerAt, lock fileLock) (io.Reader, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if err := readFormat(field, io.NewSectionReader(r, 0, size)); err != nil {
		return nil, err
	}
	// This reads the last chunk, so that the size is authentic.
	plain, n, err := age.DecryptReaderAt(io.NewSectionReader(r, 1, size-1), size-1, lock)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(plain, 0, n), nil
}

func openOn(field string, r io.Reader, lock fileLock) (io.Reader, error) {
	if err := readFormat(field, r); err != nil {
		return nil, err
	}
	return age.Decrypt(r, lock)
}

func readFormat(field string, r io.Reader) error {
	var tag [1]byte
	if _, err := io.ReadFull(r, tag[:]); err != nil {
		return fmt.Errorf("reading its format: %w", err)
	}
	if tag[0] != formatKeyed {
		return unknown(field, tag[0])
	}
	return nil
}

// Salt implements Sealer.
func (s Keyed) Salt(p person.ID, record string) (canon.Salt, error) {
	key, err := s.key(p, record)
	if err != nil {
		return canon.Salt{}, fmt.Errorf("salting %s: %w", record, err)
	}
	return key.Salt(record)
}

func (s Keyed) key(p person.ID, field string) (DataKey, error) {
	if err := check(p, field); err != nil {
		return DataKey{}, err
	}
	return s.Keys.DataKey(p)
}

// bind is what a piece is bound to. The length of the person's id stands before
// it, so that no two pairs read the same.
func bind(p person.ID, field string) []byte {
	b := binary.AppendUvarint([]byte{formatKeyed}, uint64(len(p)))
	b = append(b, p...)
	return append(b, field...)
}

// fileLock seals and opens the key that age makes for one file, under the key of
// the person and for one field. It is both ends of age's one recipient.
type fileLock struct {
	key  DataKey
	bind []byte
}

var (
	_ age.Recipient = fileLock{}
	_ age.Identity  = fileLock{}
)

func (s Keyed) fileLock(p person.ID, field string) (fileLock, error) {
	key, err := s.key(p, field)
	if err != nil {
		return fileLock{}, err
	}
	return fileLock{key, bind(p, field)}, nil
}

// stanza is what the header of a file calls its sealed key. It says whose
// software wrote it, and nothing of whom the file is.
const stanza = "kutse"

// Wrap implements age.Recipient.
func (l fileLock) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	aead, err := l.key.aead(useFile)
	if err != nil {
		return nil, err
	}
	return []*age.Stanza{{Type: stanza, Body: aead.Seal(nil, nil, fileKey, l.bind)}}, nil
}

// Unwrap implements age.Identity.
func (l fileLock) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 || stanzas[0].Type != stanza || len(stanzas[0].Args) != 0 {
		return nil, errors.New("the header is not one that this system writes")
	}
	aead, err := l.key.aead(useFile)
	if err != nil {
		return nil, err
	}
	fileKey, err := aead.Open(nil, nil, stanzas[0].Body, l.bind)
	if err != nil {
		return nil, fmt.Errorf("this is not what was sealed there for this person: %w", err)
	}
	return fileKey, nil
}
