package blob

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/kutse-dev/kutse/schema/person"
)

// Erase removes every file of a person and every upload. Destroy the key of the
// person first: nothing is added then but by a process that still holds the key,
// and what that adds nobody can read.
//
// It is harmless twice. After a crash, erasing again finishes it; it also removes
// what such a process has added.
func (s *Store) Erase(p person.ID) error {
	home, err := home(p)
	if err != nil {
		return err
	}
	// Out of the way in one step: whoever is writing finds no folder any more, and
	// does not add to one that is being emptied. No person's id begins so.
	grave := ".erased-" + home
	if err := s.removeAll(grave); err != nil { // of an Erase that a crash ended
		return fmt.Errorf("erasing the files of %s: %w", home, err)
	}
	if err := s.root.Rename(home, grave); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("erasing the files of %s: %w", home, err)
	}
	if err := s.reached("buried"); err != nil {
		return err
	}
	if err := s.removeAll(grave); err != nil {
		return fmt.Errorf("erasing the files of %s: %w", home, err)
	}
	if err := s.syncDirs("."); err != nil {
		return fmt.Errorf("erasing the files of %s: %w", home, err)
	}
	return nil
}
