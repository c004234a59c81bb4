// Package keyfile writes the files that hold secret keys, and what belongs beside
// them: whole or not at all, for their owner alone, and one process at a time.
package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write writes a file, readable by its owner alone, and returns when the disk has it
// under its name. name gives it that: os.Link where there must be none yet (the error
// is fs.ErrExist then), os.Rename in place of another. A crash leaves what was there
// before or the whole file.
func Write(path string, text []byte, name func(from, to string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	err = name(f.Name(), path)
	if gone := os.Remove(f.Name()); !errors.Is(gone, fs.ErrNotExist) { // a rename has taken it
		err = errors.Join(err, gone)
	}
	return errors.Join(err, Sync(dir))
}

// Sync returns when the disk has the names in a folder.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock keeps other processes that lock a folder from it until unlock, or the end of
// this one.
func Lock(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return func() { _ = d.Close() }, nil // lets go of the lock with it
}
