// Package blob keeps the bytes of evidence files: by person and by their
// SHA-256, on disk, everything through the seal of the person.
//
//	<dir>/<person>/<aa>/<sha256>            a file; aa is the beginning of its SHA-256
//	<dir>/<person>/uploads/<id>/<offset>    a chunk on its way in
//
// A file stands under its name only whole and checked. The same bytes of two
// persons are two files, so that one of them can be erased.
//
// Who may read whose files is not known here; callers have asked before.
package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

// Limits bound what the store takes. They come from configuration.
type Limits struct {
	FileBytes        int64 // of one file
	ChunkBytes       int   // of one chunk; every chunk but the last has just this many
	UploadsPerPerson int   // begun and neither committed nor dropped
}

func (l Limits) check() error {
	if l.FileBytes <= 0 || l.ChunkBytes <= 0 || l.UploadsPerPerson <= 0 {
		return fmt.Errorf("every limit of the blob store is more than zero, not %+v", l)
	}
	return nil
}

// Store keeps files. It may be used by several goroutines, and by several
// processes on one directory.
type Store struct {
	root   *os.Root // no name can lead out of it, whatever a bug lets through
	seal   seal.Sealer
	limits Limits

	begin sync.Mutex // between counting the uploads of a person and adding one

	// reached is told each step of Commit, and can end it there: the tests of
	// what a crash leaves behind.
	reached func(step string) error
}

// Stored is a file that the store has.
type Stored struct {
	Digest    canon.Digest // SHA-256 of the bytes
	Size      int64
	MediaType string // as the content shows, whatever the uploader calls it
}

// Open returns the store in dir, which it creates if need be.
func Open(dir string, sealer seal.Sealer, limits Limits) (*Store, error) {
	if err := limits.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the blob store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the blob store: %w", err)
	}
	return &Store{root: root, seal: sealer, limits: limits, reached: func(string) error { return nil }}, nil
}

// Close lets go of the directory. Files opened before can be read on.
func (s *Store) Close() error { return s.root.Close() }

// home is the folder of a person. It reads the id anew, so that no caller's
// oversight makes a path of it.
func home(p person.ID) (string, error) {
	id, err := person.ParseID(string(p))
	return string(id), err
}

func filePath(home string, d canon.Digest) string {
	name := d.String()
	return path.Join(home, name[:2], name)
}

func fileField(d canon.Digest) string { return "blob.file:" + d.String() }

// exists says whether there is something at name.
func (s *Store) exists(name string) (bool, error) {
	_, err := s.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// syncDirs makes the entries of folders durable.
func (s *Store) syncDirs(names ...string) error {
	for _, name := range names {
		d, err := s.root.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

func notFound(d canon.Digest) error {
	return fault.NotFound.New("there is no file with SHA-256 %s", d)
}
