package kek

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/seal/keyfile"
)

// Key is one of the keys in a file, without the secret.
type Key struct {
	ID      string // as KEK.ID has it
	Primary bool   // Wrap uses this one; the others only unwrap
}

// Keys says which keys are in the file at path.
func Keys(path string) ([]Key, error) {
	handle, _, err := read(path)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for i := range handle.Len() {
		e, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("reading the key file: %w", err)
		}
		keys = append(keys, Key{ID: keyID(e.KeyID()), Primary: e.IsPrimary()})
	}
	return keys, nil
}

// Create makes a key file with one new key, whose ID it returns. It overwrites
// nothing: with the key file that is there, all that is wrapped under it would be
// lost. The error is fault.Conflict then.
func Create(path string) (string, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	// A link, unlike a rename, takes no other file's name.
	err = write(handle, path, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return "", fault.Conflict.Because(err, "there is a file at %s already; a key file is never overwritten, rotate its key instead", path)
	}
	if err != nil {
		return "", fmt.Errorf("making the key file: %w", err)
	}
	return primary(handle)
}

// Rotate adds a new key to the file, whose ID it returns. From then on Wrap uses
// it, in running processes too; what is wrapped under the others still unwraps.
func Rotate(path string) (string, error) {
	return change(path, func(_ *keyset.Handle, m *keyset.Manager) error {
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// Forget drops all keys but keep, which has to be the one that Wrap uses, and
// returns its ID. Whatever is still wrapped under another is lost, so wrap it anew
// before; and look once more when every act that began before the rotation has
// ended, for it may have added a row under the old key. The error is fault.Conflict
// when Wrap uses another than keep, as after a Rotate since the caller looked: what
// is wrapped under keep would be lost.
func Forget(path, keep string) (string, error) {
	return change(path, func(h *keyset.Handle, m *keyset.Manager) error {
		used, err := primary(h)
		if err != nil {
			return err
		}
		if used != keep {
			return fault.Conflict.New("the key in use is %s and no longer %s: somebody has rotated it; wrap everything under the new one with `kutse keys rewrap`, then forget", used, keep)
		}
		for i := range h.Len() {
			e, err := h.Entry(i)
			if err != nil {
				return err
			}
			if e.IsPrimary() {
				continue
			}
			if err := m.Delete(e.KeyID()); err != nil {
				return err
			}
		}
		return nil
	})
}

// change puts a changed keyset in the place of the one at path, and returns the
// ID of its primary key. A crash leaves the old file or the new one. Two at once
// wait for each other: the later would else undo the earlier, and what was
// wrapped in between would be lost.
func change(path string, how func(*keyset.Handle, *keyset.Manager) error) (string, error) {
	unlock, err := keyfile.Lock(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("locking the folder of the key file: %w", err)
	}
	defer unlock()
	handle, _, err := read(path)
	if err != nil {
		return "", err
	}
	m := keyset.NewManagerFromHandle(handle)
	if err := how(handle, m); err != nil {
		return "", fmt.Errorf("changing the key file: %w", err)
	}
	changed, err := m.Handle()
	if err != nil {
		return "", fmt.Errorf("changing the key file: %w", err)
	}
	if err := write(changed, path, os.Rename); err != nil {
		return "", fmt.Errorf("changing the key file: %w", err)
	}
	return primary(changed)
}

func primary(handle *keyset.Handle) (string, error) {
	e, err := handle.Primary()
	if err != nil {
		return "", err
	}
	return keyID(e.KeyID()), nil
}

// write writes a keyset beside path, syncs it, and has name give it that name.
func write(handle *keyset.Handle, path string, name func(from, to string) error) error {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return err
	}
	return keyfile.Write(path, text.Bytes(), name)
}
