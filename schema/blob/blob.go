// Package blob keeps the bytes of evidence files: by person, on disk, everything
// through the seal of the person.
//
//	<dir>/<person>/<aa>/<address>             a file; aa is the beginning of its address
//	<dir>/<person>/uploads/<upload>/<offset>  a chunk on its way in
//
// Callers name a file by its SHA-256. On disk it stands under its address, a salt
// of the person made from that: whoever has the disk and a copy of some file
// cannot see whether a person put it forward. The same bytes of two persons are
// two files under two addresses, so that one of them can be erased.
//
// A file stands under its address only whole and checked.
//
// When the key of a person is destroyed, nothing of theirs can be read or added;
// Erase removes what is left.
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
	"syscall"

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

	// reached is told each step of Commit and of Erase, and can end it there: the
	// tests of what a crash leaves behind.
	reached func(step string) error
}

// Stored is a file that the store has.
type Stored struct {
	Digest    canon.Digest // SHA-256 of the bytes
	Address   canon.Salt   // where it stands; this, and not Digest, may leave the person's own rows
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

// Record is what the salt of a person that is the address of a file is made for.
func Record(d canon.Digest) string { return "blob." + d.String() }

// Address is where a file of the person with these bytes stands, if there is one.
// The error is a Conflict when what belonged to the person was erased.
func (s *Store) Address(p person.ID, d canon.Digest) (canon.Salt, error) {
	address, err := s.address(p, d)
	return address, erased(err)
}

func (s *Store) address(p person.ID, d canon.Digest) (canon.Salt, error) {
	if _, err := home(p); err != nil {
		return canon.Salt{}, err
	}
	return s.seal.Salt(p, Record(d))
}

func filePath(home string, address canon.Salt) string {
	name := address.String()
	return path.Join(home, name[:2], name)
}

func fileField(address canon.Salt) string { return "blob.file:" + address.String() }

// erased is what a writer is told when the key of the person is destroyed; every
// other error it leaves.
func erased(err error) error {
	if errors.Is(err, seal.ErrErased) {
		return fault.Conflict.Because(err, "what belonged to this person was erased; no file of theirs is kept any more")
	}
	return err
}

// exists says whether there is something at name.
func (s *Store) exists(name string) (bool, error) {
	_, err := s.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// removeAll removes a folder, also while others add to it: they find no folder
// once it is gone. It gives up on those who add for ever.
func (s *Store) removeAll(name string) error {
	var err error
	for range 1000 {
		err = s.root.RemoveAll(name)
		if !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return err
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
