package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

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

// Find returns the addresses of the system that runs on a data folder; empty
// stands for DefaultData(). It is a fault.NotFound when none does.
func Find(data string) (Addresses, error) {
	var a Addresses
	if data == "" {
		dir, err := DefaultData()
		if err != nil {
			return a, err
		}
		data = dir
	}
	text, err := os.ReadFile(filepath.Join(data, addressesName))
	if errors.Is(err, fs.ErrNotExist) {
		return a, fault.NotFound.Because(err, "no system runs on the folder %s", data)
	}
	if err != nil {
		return a, fmt.Errorf("looking for a running system: %w", err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("reading %s in %s: %w", addressesName, data, err)
	}
	// A killed system cannot remove its file. Its process number proves nothing:
	// in a container the next process may well have the same.
	if !a.answers() {
		return Addresses{}, fault.NotFound.New("no system runs on the folder %s any more", data)
	}
	return a, nil
}

func (a Addresses) answers() bool {
	u, err := url.Parse(a.NATS)
	if err != nil {
		return false
	}
	conn, err := net.DialTimeout("tcp", u.Host, 2*time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
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

// openData makes the data folder and returns its absolute path.
func openData(o Options) (string, error) {
	if o.Ephemeral && o.Data == "" {
		filelock.RemoveAbandoned(filepath.Join(os.TempDir(), temporaryPrefix+"*"), "lock")
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
