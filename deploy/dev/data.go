package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Addresses is where a running system can be reached.
type Addresses struct {
	PID      int      `json:"pid"`
	Data     string   `json:"data"`
	Postgres Postgres `json:"postgres"`
	NATS     string   `json:"nats"`
	Temporal Temporal `json:"temporal"`
	Blobs    string   `json:"blobs"`
	Keys     string   `json:"keys"`
}

// Postgres holds one address of the database for each role. Superuser and Psql
// are empty when the database was configured and not started here.
type Postgres struct {
	Owner     string `json:"owner"`
	Service   string `json:"service"`
	Reader    string `json:"reader"`
	Superuser string `json:"superuser,omitempty"`
	Psql      string `json:"psql,omitempty"` // as Reader, for psql
}

// Temporal is where workflows run.
type Temporal struct {
	Address   string `json:"address"`
	Namespace string `json:"namespace"`
}

const addressesName = "addresses.json"

// DefaultData is the data folder when nobody named one. As root it is not in
// root's home, which the account of PostgreSQL cannot enter.
func DefaultData() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/kutse", nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kutse"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fault.Invalid.Because(err, "there is no home folder to keep data in; name a folder with --data")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "kutse"), nil
	}
	return filepath.Join(home, ".local", "share", "kutse"), nil
}

// write puts the file in place whole: a reader meets the old one or the new one.
func (a Addresses) write() error {
	text, err := json.MarshalIndent(a, "", "\t")
	if err != nil {
		return fmt.Errorf("writing the addresses: %w", err)
	}
	path := filepath.Join(a.Data, addressesName)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the addresses: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the addresses: %w", err)
	}
	return nil
}

func removeAddresses(data string) error {
	err := os.Remove(filepath.Join(data, addressesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

const temporaryPrefix = "kutse-ephemeral-"

// removeAbandoned removes what systems on temporary folders left when they were
// killed: ephemeral ones, and those of kutse-dev bench, which are durable and
// have a folder of their own.
func removeAbandoned() {
	for _, prefix := range []string{temporaryPrefix, "kutse-bench-"} {
		filelock.RemoveAbandoned(filepath.Join(os.TempDir(), prefix+"*"), "lock")
	}
}

// openData makes the data folder and returns its absolute path.
func openData(o Options) (string, error) {
	if o.Ephemeral && o.Data == "" {
		removeAbandoned()
		dir, err := os.MkdirTemp("", temporaryPrefix)
		if err != nil {
			return "", fmt.Errorf("making a temporary data folder: %w", err)
		}
		return dir, nil
	}
	data, err := absolute(o.Data)
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return data, makeData(data)
	case err != nil:
		return "", fmt.Errorf("opening the data folder: %w", err)
	case o.Ephemeral && len(entries) > 0:
		// It is removed at the end, and must not take anything with it.
		return "", fault.Invalid.New("the folder %s is not empty, and an ephemeral system would remove it; name a new folder", data)
	}
	return data, nil
}

func absolute(data string) (string, error) {
	if data == "" {
		return DefaultData()
	}
	abs, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("locating the data folder: %w", err)
	}
	return abs, nil
}

// makeData closes the folder to others. As root they may pass through it, which
// the account of PostgreSQL must, but not look around.
func makeData(data string) error {
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.Mkdir(data, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the data folder: %w", err)
	}
	return nil
}

func lockData(data string) (*filelock.Lock, error) {
	lock, err := filelock.Acquire(filepath.Join(data, "lock"))
	if held := (*filelock.Held)(nil); errors.As(err, &held) {
		return nil, fault.Conflict.Because(err, "the folder %s is in use by process %d; stop it or give another --data", data, held.PID)
	}
	return lock, err
}
