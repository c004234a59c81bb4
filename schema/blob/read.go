package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

// File is an open file, from its first byte on.
type File struct {
	r       io.Reader // what the seal lets through
	f       *os.File
	address canon.Salt
}

// Read implements io.Reader.
func (f *File) Read(b []byte) (int, error) { return f.r.Read(b) }

// Close implements io.Closer.
func (f *File) Close() error { return f.f.Close() }

// ReadAt implements io.ReaderAt, wherever Read stands. Each read opens the pieces
// of 64 KiB that it touches.
func (f *File) ReadAt(b []byte, at int64) (int, error) {
	whole, ok := f.r.(io.ReaderAt)
	if !ok {
		return 0, errors.New("this file can only be read on")
	}
	return whole.ReadAt(b, at)
}

// skip goes on by n bytes: at once when the seal can seek, by reading otherwise.
// Going beyond the end is fine; there is nothing there.
func (f *File) skip(n int64) error {
	if s, ok := f.r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, f.r, n)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// size says how many bytes there are from the beginning. f is at the end then.
func (f *File) size(read int64) (int64, error) {
	if s, ok := f.r.(io.Seeker); ok {
		return s.Seek(0, io.SeekEnd)
	}
	rest, err := io.Copy(io.Discard, f.r)
	return read + rest, err
}

// OpenFile opens a person's file for reading. The caller closes it.
func (s *Store) OpenFile(p person.ID, d canon.Digest) (*File, error) {
	address, err := s.address(p, d)
	if err != nil {
		return nil, nothingLeft(err)
	}
	f, err := s.openAt(p, address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(d)
	}
	return f, err
}

// openAt opens what stands at an address.
func (s *Store) openAt(p person.ID, address canon.Salt) (*File, error) {
	home, err := home(p)
	if err != nil {
		return nil, err
	}
	f, err := s.root.Open(filePath(home, address))
	if err != nil {
		return nil, fmt.Errorf("opening file %s: %w", address, err)
	}
	r, err := s.seal.OpenFrom(p, fileField(address), f)
	if err != nil {
		return nil, errors.Join(nothingLeft(err), f.Close())
	}
	return &File{r: r, f: f, address: address}, nil
}

// nothingLeft is what a reader is told when the key of the person is destroyed;
// every other error it leaves.
func nothingLeft(err error) error {
	if errors.Is(err, seal.ErrErased) {
		return fault.NotFound.Because(err, "there is no such file; what belonged to this person was erased")
	}
	return err
}

// Read returns up to limit bytes from offset, and never more than a chunk: what
// a reply can carry. Beyond the end there are none.
func (s *Store) Read(p person.ID, d canon.Digest, offset int64, limit int) ([]byte, error) {
	if offset < 0 || limit <= 0 {
		return nil, fault.Invalid.New("reading begins at 0 or later and asks for at least one byte, not for %d from %d", limit, offset)
	}
	f, err := s.OpenFile(p, d)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	if err := f.skip(offset); err != nil {
		return nil, fmt.Errorf("reading file %s from %d: %w", f.address, offset, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(min(limit, s.limits.ChunkBytes))))
	if err != nil {
		return nil, fmt.Errorf("reading file %s from %d: %w", f.address, offset, err)
	}
	return b, nil
}

// Has says whether the person has a file with these bytes. Who was erased has
// none.
func (s *Store) Has(p person.ID, d canon.Digest) (bool, error) {
	address, err := s.address(p, d)
	if errors.Is(err, seal.ErrErased) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.exists(filePath(string(p), address))
}

// Stat says what the store knows of a file.
func (s *Store) Stat(p person.ID, d canon.Digest) (Stored, error) {
	f, err := s.OpenFile(p, d)
	if err != nil {
		return Stored{}, err
	}
	defer f.Close() // only read from
	kind, n, err := mediaType(f)
	if err != nil {
		return Stored{}, fmt.Errorf("reading file %s: %w", f.address, err)
	}
	size, err := f.size(int64(n))
	if err != nil {
		return Stored{}, fmt.Errorf("reading file %s: %w", f.address, err)
	}
	return Stored{Digest: d, Address: f.address, Size: size, MediaType: kind}, nil
}

// mediaType reads what the content begins with, and says how much it read.
func mediaType(r io.Reader) (string, int, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", n, err
	}
	return http.DetectContentType(head[:n]), n, nil
}
