package sealer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/keyfile"
)

func (k *Keyring) lastPath(year int) string {
	return filepath.Join(k.dir, fmt.Sprintf("%04d.checkpoint", year))
}

// disownedPath is where the last checkpoint stands from when an operator accepts a
// restored record to when the sealer signs the next one.
func (k *Keyring) disownedPath(year int) string {
	return filepath.Join(k.dir, fmt.Sprintf("%04d.disowned", year))
}

// signed reads a checkpoint that one of the keys signed; nil when there is none. One
// that cannot be read is an error: what was signed is not known then.
func (k *Keyring) signed(path string, keys []postgres.LogKey) (*merkle.Checkpoint, error) {
	note, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // a checkpoint may be missing
	}
	if err != nil {
		return nil, fault.Invalid.Because(err, "what the log's keys signed last cannot be read: %v", err)
	}
	var vkeys []string
	for _, key := range keys {
		vkeys = append(vkeys, key.VKey)
	}
	c, err := merkle.OpenCheckpoint(note, vkeys)
	if err != nil {
		return nil, fault.Invalid.Because(err, "%s must be what the log's keys signed last: %s", path, fault.Message(err))
	}
	return &c, nil
}

// keep remembers what was signed last, in place of what was known to be. It is on disk
// when keep returns. After a crash on the way either of the two is there, whole.
func (k *Keyring) keep(year int, known *merkle.Checkpoint, c merkle.Checkpoint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	// Between looking at what was signed last and taking its place nobody else may sign.
	unlock, err := keyfile.Lock(k.dir)
	if err != nil {
		return err
	}
	defer unlock()
	// Another sealer, of another database, would have signed something else meanwhile.
	there, err := os.ReadFile(k.lastPath(year))
	switch {
	case errors.Is(err, fs.ErrNotExist) && known == nil:
	case err != nil:
		return fault.Conflict.Because(err, "what the log's keys signed last was changed meanwhile: %v", err)
	case known == nil || string(there) != string(known.Note):
		return fault.Conflict.New("another sealer signs with the keys in %s", k.dir)
	}
	if err := keyfile.Write(k.lastPath(year), c.Note, os.Rename); err != nil {
		return fmt.Errorf("remembering what is signed: %w", err)
	}
	return k.fileDisowned(year)
}

// fileDisowned puts a disowned checkpoint where it is kept for good. Harmless without
// one.
func (k *Keyring) fileDisowned(year int) error {
	note, err := os.ReadFile(k.disownedPath(year))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("filing what was disowned: %w", err)
	}
	c, err := merkle.ParseCheckpoint(note)
	if err != nil {
		return fmt.Errorf("filing what was disowned: %w", err)
	}
	name := filepath.Join(k.dir, fmt.Sprintf("%04d-%d-%x.disowned", year, c.Size, c.Root[:4]))
	return errors.Join(os.Rename(k.disownedPath(year), name), keyfile.Sync(k.dir))
}

// AcceptRestore has the log of a year go on from whatever its database holds, and
// returns the checkpoint that is disowned by it: what was signed last. It stays in the
// folder. NotFound when nothing was signed.
func (k *Keyring) AcceptRestore(year int) (merkle.Checkpoint, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	unlock, err := keyfile.Lock(k.dir)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	defer unlock()
	note, err := os.ReadFile(k.lastPath(year))
	if errors.Is(err, fs.ErrNotExist) {
		return merkle.Checkpoint{}, fault.NotFound.New("%s remembers nothing that was signed for the log of %d: the sealer signs what the database holds", k.dir, year)
	}
	if err != nil {
		return merkle.Checkpoint{}, fault.Invalid.Because(err, "what the log's keys signed last cannot be read: %v", err)
	}
	c, err := merkle.ParseCheckpoint(note)
	if err != nil {
		return merkle.Checkpoint{}, fault.Invalid.Because(err, "%s: %s", k.lastPath(year), fault.Message(err))
	}
	if err := k.fileDisowned(year); err != nil { // of a restore before, that nothing was signed after
		return c, err
	}
	return c, errors.Join(os.Rename(k.lastPath(year), k.disownedPath(year)), keyfile.Sync(k.dir))
}
