// Package sealer seals the audit trail in its log, publishes it and has witnesses
// sign it, for as long as it runs.
package sealer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/keyfile"
)

// Keyring is a folder of secret keys of logs: <year>-<generation>.key, each with the
// secret key in one line and the verifier key in the next, for its owner alone.
//
// A sealer in another place must have the same keys: bring the folder along. A key
// is made only for a log that has none, since a log that changed its key without a
// word would be taken for another one.
//
// Beside the keys stands what they signed last: <year>.checkpoint. Whoever owns the
// database cannot have another history signed, or the same one only in part.
type Keyring struct {
	dir  string
	host string
	mu   sync.Mutex
	read map[string]postgres.LogKey // by file: keys never change
}

// OpenKeyring opens a folder of keys, and makes it when it is not there. host is what
// the origins of new logs begin with.
func OpenKeyring(dir, host string) (*Keyring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Invalid.Because(err, "the folder of the log's keys cannot be made: %v", err)
	}
	k := &Keyring{dir: dir, host: host, read: map[string]postgres.LogKey{}}
	_, err := k.generations(0) // whether it can be read at all
	return k, err
}

// Signing implements postgres.Signers. The next key of a log is that of the next
// generation; generations follow each other one checkpoint at a time.
func (k *Keyring) Signing(year int, last string) (postgres.Signing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	generations, err := k.generations(year)
	if err != nil {
		return postgres.Signing{}, err
	}
	if len(generations) == 0 {
		if last != "" {
			return postgres.Signing{}, k.foreign(year, last)
		}
		if _, err := k.make(year, 1, merkle.Origin(k.host, year)); err != nil {
			return postgres.Signing{}, err
		}
		generations = []int{1}
	}
	keys := make([]postgres.LogKey, len(generations))
	for i, g := range generations {
		if keys[i], err = k.load(year, g); err != nil {
			return postgres.Signing{}, err
		}
	}
	now := len(keys) - 1
	if last != "" {
		now = slices.IndexFunc(keys, func(key postgres.LogKey) bool { return key.VKey == last })
	}
	if now < 0 {
		return postgres.Signing{}, k.foreign(year, last)
	}
	s := postgres.Signing{Origin: keys[now].Signer.Name(), Now: keys[now]}
	if now+1 < len(keys) {
		s.Next = &keys[now+1]
	}
	if s.Last, err = k.signed(k.lastPath(year), keys); err != nil {
		return postgres.Signing{}, err
	}
	if s.Disowned, err = k.signed(k.disownedPath(year), keys); err != nil {
		return postgres.Signing{}, err
	}
	s.Keep = func(c merkle.Checkpoint) error { return k.keep(year, s.Last, c) }
	return s, nil
}

func (k *Keyring) foreign(year int, last string) error {
	return fault.Conflict.New("the log of %d is signed by the key %s, which is not in %s: bring the keys from where the sealer ran before", year, merkle.KeyID(last), k.dir)
}

// Rotate makes the next key of a year's log, and returns its verifier key. The next
// checkpoint is signed by the key of now, too, and names it; those after it are
// signed by it alone.
func (k *Keyring) Rotate(year int) (vkey string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	generations, err := k.generations(year)
	if err != nil {
		return "", err
	}
	if len(generations) == 0 {
		return "", fault.NotFound.New("%s holds no key of the log of %d: there is nothing to change", k.dir, year)
	}
	last := generations[len(generations)-1]
	now, err := k.load(year, last)
	if err != nil {
		return "", err
	}
	next, err := k.make(year, last+1, now.Signer.Name())
	return next.VKey, err
}

// generations are the generations of keys of a year's log that there are, in order.
func (k *Keyring) generations(year int) ([]int, error) {
	files, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, fault.Invalid.Because(err, "the folder of the log's keys cannot be read: %v", err)
	}
	var list []int
	for _, f := range files {
		digits, found := strings.CutPrefix(f.Name(), fmt.Sprintf("%04d-", year))
		digits, isKey := strings.CutSuffix(digits, ".key")
		if g, err := strconv.Atoi(digits); found && isKey && err == nil && g > 0 {
			list = append(list, g)
		}
	}
	slices.Sort(list)
	return list, nil
}

func (k *Keyring) path(year, generation int) string {
	return filepath.Join(k.dir, fmt.Sprintf("%04d-%d.key", year, generation))
}

// make makes a key. The file appears whole or not at all, and never in place of
// another: two that make the same one at once have the same afterwards.
func (k *Keyring) make(year, generation int, origin string) (postgres.LogKey, error) {
	skey, vkey, err := merkle.NewKey(origin)
	if err != nil {
		return postgres.LogKey{}, err
	}
	if err := keyfile.Write(k.path(year, generation), []byte(skey+"\n"+vkey+"\n"), os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return postgres.LogKey{}, fmt.Errorf("keeping a key of the log: %w", err)
	}
	return k.load(year, generation)
}

// load reads a key, and makes sure that its two halves belong together: what the
// wrong one signed nobody could verify.
func (k *Keyring) load(year, generation int) (postgres.LogKey, error) {
	path := k.path(year, generation)
	if key, ok := k.read[path]; ok {
		return key, nil
	}
	text, err := readSecret(path)
	if err != nil {
		return postgres.LogKey{}, err
	}
	skey, rest, _ := strings.Cut(string(text), "\n")
	key := postgres.LogKey{VKey: strings.TrimSpace(rest)}
	if key.Signer, err = merkle.NewSigner(skey); err != nil {
		return key, fault.Invalid.New("%s: %v", path, err)
	}
	if _, of, err := merkle.ParseOrigin(key.Signer.Name()); err != nil || of != year {
		return key, fault.Invalid.New("%s holds a key of %s", path, key.Signer.Name())
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: key.Signer.Name()}, key.Signer)
	if err == nil {
		_, err = merkle.OpenCheckpoint(c.Note, []string{key.VKey})
	}
	if err != nil {
		return key, fault.Invalid.New("%s: the secret key and the verifier key do not belong together", path)
	}
	k.read[path] = key
	return key, nil
}

// readSecret reads a key that nobody but its owner can read.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Invalid.Because(err, "a key of the log cannot be read: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Invalid.Because(err, "a key of the log cannot be read: %v", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, fault.Invalid.New("the key file %s is open to others (mode %04o); `chmod 600` it, and think of who may have read it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fault.Invalid.Because(err, "a key of the log cannot be read: %v", err)
	}
	return text, nil
}
