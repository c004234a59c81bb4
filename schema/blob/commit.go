package blob

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Commit makes a file of an upload whose chunks are all there. It reads them
// anew and holds them to what was announced. Committing again returns the same,
// also when two do so at once.
//
// A crash leaves either the chunks, with the file under a temporary name in
// their folder or not, or the file and some of the chunks; committing again
// finishes both.
func (s *Store) Commit(p person.ID, id UploadID) (Stored, error) {
	u, err := s.parse(p, id)
	if err != nil {
		return Stored{}, err
	}
	if err := s.make(u); err != nil {
		return Stored{}, erased(err)
	}
	// A commit that finds the file cannot know whether the one before it came to
	// this line, so each makes the name durable: the folders may be new too.
	// If Erase took them away meanwhile, Stat says that there is no file.
	if err := s.syncDirs(path.Dir(u.file()), u.home, "."); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Stored{}, fmt.Errorf("committing file %s: %w", u.address, err)
	}
	stored, err := s.Stat(p, u.SHA256)
	if err != nil {
		return Stored{}, err
	}
	if stored.Size != u.Size {
		return Stored{}, fault.Invalid.New("the file has %d bytes, not %d as announced", stored.Size, u.Size)
	}
	if err := s.reached("synced"); err != nil {
		return Stored{}, err
	}
	// A crash from here on leaves chunks that the next commit, or Expire, removes.
	if err := s.removeAll(u.dir()); err != nil {
		return Stored{}, fmt.Errorf("removing the chunks of file %s: %w", u.address, err)
	}
	return stored, nil
}

// make puts the file of u under its name, unless it is there.
func (s *Store) make(u upload) error {
	if there, err := s.exists(u.file()); there || err != nil {
		return err
	}
	st, err := s.status(u)
	if err != nil {
		return err
	}
	if st.Offset < u.Size {
		return fault.Conflict.New("the upload is not complete; go on from offset %d of %d", st.Offset, u.Size)
	}
	err = s.makeFrom(u, path.Join(u.dir(), "file-"+rand.Text()))
	if errors.Is(err, fs.ErrNotExist) {
		// Another commit took the chunks away under this one. What counts is
		// whether it left the file.
		_, err = s.statusWithoutSession(u)
	}
	return err
}

func (s *Store) makeFrom(u upload, temp string) error {
	sum, err := s.assemble(u, temp)
	if err != nil {
		return fmt.Errorf("committing file %s: %w", u.address, errors.Join(err, s.root.Remove(temp)))
	}
	if err := s.reached("written"); err != nil {
		return err
	}
	if sum == u.SHA256 {
		return s.name(u, temp)
	}
	// These chunks will never be what was announced.
	if err := s.removeAll(u.dir()); err != nil {
		return fmt.Errorf("dropping the chunks of file %s: %w", u.address, err)
	}
	return fault.Invalid.New("the file has SHA-256 %s, not %s as announced; begin the upload again", sum, u.SHA256)
}

// assemble writes the chunks of u into one sealed and synced file, and says what
// their digest is.
func (s *Store) assemble(u upload, temp string) (canon.Digest, error) {
	f, err := s.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return canon.Digest{}, err
	}
	sum, err := s.copyChunks(u, f)
	return sum, errors.Join(err, f.Sync(), f.Close())
}

func (s *Store) copyChunks(u upload, f io.Writer) (canon.Digest, error) {
	w, err := s.seal.SealTo(person.ID(u.home), fileField(u.address), f)
	if err != nil {
		return canon.Digest{}, err
	}
	hash := sha256.New()
	for offset := int64(0); offset < u.Size; {
		chunk, err := s.chunk(u, offset)
		if err != nil {
			return canon.Digest{}, err
		}
		if len(chunk) != u.chunkLen(offset) {
			return canon.Digest{}, fmt.Errorf("the chunk at %d has %d bytes", offset, len(chunk))
		}
		hash.Write(chunk)
		if _, err := w.Write(chunk); err != nil {
			return canon.Digest{}, err
		}
		offset += int64(len(chunk))
	}
	return canon.Digest(hash.Sum(nil)), w.Close()
}

// name gives the file its name.
func (s *Store) name(u upload, temp string) error {
	final := u.file()
	if err := s.root.Mkdir(path.Dir(final), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("committing file %s: %w", u.address, err)
	}
	if err := s.reached("foldered"); err != nil {
		return err
	}
	if err := s.root.Rename(temp, final); err != nil {
		return fmt.Errorf("committing file %s: %w", u.address, err)
	}
	return s.reached("named")
}
