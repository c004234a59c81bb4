package merkle

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// placeFile writes a file whole or not at all, as long as the machine has power.
func placeFile(name string, data []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func fill(f *os.File, data []byte) error {
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil { // it is public
		return err
	}
	return f.Close()
}

// torn says whether a file is what a power cut leaves of want: its beginning, and
// then nothing or zeros.
func torn(there, want []byte) bool {
	n := 0
	for n < min(len(there), len(want)) && there[n] == want[n] {
		n++
	}
	return len(there) <= len(want) && len(bytes.TrimLeft(there[n:], "\x00")) == 0
}

// writeFile writes a file whole or not at all, and returns when the disk has it.
func writeFile(name string, data []byte) error {
	if err := placeFile(name, data); err != nil {
		return err
	}
	return syncFiles([]string{name})
}

// manyFiles is from how many files on one sync of the whole system costs less than
// one for each.
const manyFiles = 100

// syncFiles returns when the disk has the files, under their names. It is called when
// all are written, not for each: the system writes many out at once.
func syncFiles(names []string) error {
	if len(names) >= manyFiles {
		return syncMany(names)
	}
	return syncEach(names)
}

// syncEach syncs files and the folders that name them.
func syncEach(names []string) error {
	all := map[string]bool{}
	for _, name := range names {
		all[name], all[filepath.Dir(name)] = true, true
	}
	list := slices.Collect(maps.Keys(all))
	errs := make([]error, len(list))
	parallel(len(list), writersAtOnce, func(i int) { errs[i] = syncFile(list[i]) })
	return errors.Join(errs...)
}

// syncFile syncs a file or a folder. Systems that cannot sync a folder need not.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
