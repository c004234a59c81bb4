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
	"github.com/kutse-dev/kutse/schema/seal"
)

// Write keeps as a file of the person what write writes, which must be what a
// announces: the address is made of the SHA-256 before the first byte is sealed. It
// is for what the system makes and can make twice, once to count it and once to
// keep it; so no plain text lies on disk and nothing is held in memory. FileBytes
// does not bound it. A file that is there already is not written again.
//
// A crash leaves what Expire removes.
func (s *Store) Write(p person.ID, a Announced, write func(io.Writer) error) (Stored, error) {
	home, err := home(p)
	if err != nil {
		return Stored{}, err
	}
	u := upload{Announced: a, chunk: s.limits.ChunkBytes, home: home}
	if u.address, err = s.Address(p, a.SHA256); err != nil {
		return Stored{}, err
	}
	there, err := s.exists(u.file())
	if err != nil {
		return Stored{}, err
	}
	if !there {
		if err := s.write(p, u, write); err != nil {
			return Stored{}, erased(err)
		}
	}
	if err := s.syncDirs(path.Dir(u.file()), u.home, "."); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Stored{}, fmt.Errorf("keeping file %s: %w", u.address, err)
	}
	return s.Stat(p, a.SHA256)
}

// write writes the file of u in the folder of uploads, and gives it its name.
func (s *Store) write(p person.ID, u upload, write func(io.Writer) error) error {
	if err := s.root.MkdirAll(u.dir(), 0o700); err != nil {
		return fmt.Errorf("keeping file %s: %w", u.address, err)
	}
	temp := path.Join(u.dir(), "file-"+rand.Text())
	err := s.writeTo(temp, u, write)
	if err == nil {
		err = s.name(u, temp)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = s.takenAway(p, u, err)
	}
	return errors.Join(err, s.removeAll(u.dir()))
}

// takenAway says what it means that the folder went while a file was written there:
// another who writes the same has finished, or Erase came.
func (s *Store) takenAway(p person.ID, u upload, cause error) error {
	if there, err := s.exists(u.file()); there || err != nil {
		return err
	}
	if _, err := s.Address(p, u.SHA256); err != nil {
		return err
	}
	return fault.Unavailable.Because(cause, "the files of this person were just removed; ask again")
}

func (s *Store) writeTo(temp string, u upload, write func(io.Writer) error) error {
	f, err := s.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keeping file %s: %w", u.address, err)
	}
	hash := sha256.New()
	size, err := s.sealTo(f, u, hash, write)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keeping file %s: %w", u.address, err)
	}
	if got := canon.Digest(hash.Sum(nil)); got != u.SHA256 || size != u.Size {
		return fmt.Errorf("keeping file %s: %d bytes with SHA-256 %s were written, and %d with %s announced", u.address, size, got, u.Size, u.SHA256)
	}
	return nil
}

func (s *Store) sealTo(f io.Writer, u upload, hash io.Writer, write func(io.Writer) error) (int64, error) {
	sealing, err := s.seal.SealTo(person.ID(u.home), fileField(u.address), f)
	if err != nil {
		return 0, err
	}
	count := &counter{w: io.MultiWriter(sealing, hash)}
	if err := write(count); err != nil {
		return count.n, err
	}
	return count.n, sealing.Close()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// Remove removes a file that nothing refers to. Harmless twice.
func (s *Store) Remove(p person.ID, d canon.Digest) error {
	address, err := s.address(p, d)
	if errors.Is(err, seal.ErrErased) {
		return nil // and its file with the others
	}
	if err != nil {
		return err
	}
	if err := s.root.Remove(filePath(string(p), address)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing file %s: %w", address, err)
	}
	return nil
}
