package kek

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

// file is a Tink keyset in a file. It follows the file: once Rotate has put
// another in its place, the next Wrap uses the new key, so that nothing needs to
// be restarted and nothing is wrapped under a key that Forget has dropped.
type file struct {
	path string

	mu   sync.Mutex
	keys loaded // as last read
}

// loaded is what was in the file, and which file that was.
type loaded struct {
	over
	info fs.FileInfo
}

var _ KEK = (*file)(nil)

func openFile(path string) (*file, error) {
	handle, info, err := read(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path}
	if f.keys, err = load(handle, info); err != nil {
		return nil, fault.Invalid.Because(err, "the key file %s cannot be used: %v", path, err)
	}
	return f, nil
}

func load(handle *keyset.Handle, info fs.FileInfo) (loaded, error) {
	primary, err := handle.Primary()
	if err != nil {
		return loaded{}, err
	}
	a, err := aead.New(handle)
	if err != nil {
		return loaded{}, err
	}
	return loaded{over{named{a}, keyID(primary.KeyID())}, info}, nil
}

// follow reads the file anew when it is another than was read last. On an error
// what was read last stays.
func (f *file) follow() (over, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(now, f.keys.info) && now.ModTime().Equal(f.keys.info.ModTime()) && now.Size() == f.keys.info.Size() {
		return f.keys.over, nil
	}
	handle, info, err := read(f.path)
	if err != nil {
		return f.keys.over, err
	}
	fresh, err := load(handle, info)
	if err != nil {
		return f.keys.over, fault.Invalid.Because(err, "the key file %s cannot be used: %v", f.path, err)
	}
	f.keys = fresh
	return fresh.over, nil
}

// ID implements KEK.
func (f *file) ID() string {
	keys, _ := f.follow() // if it cannot be read, Wrap will say so
	return keys.ID()
}

// Wrap implements KEK. It refuses while the file cannot be read: a key wrapped
// under what is nowhere kept would be lost with this process.
func (f *file) Wrap(p person.ID, k seal.DataKey) ([]byte, error) {
	keys, err := f.follow()
	if err != nil {
		return nil, err
	}
	return keys.Wrap(p, k)
}

// Unwrap implements KEK. It goes on with the keys it has when the file cannot be
// read.
func (f *file) Unwrap(p person.ID, wrapped []byte) (seal.DataKey, error) {
	keys, err := f.follow()
	key, unwrapErr := keys.Unwrap(p, wrapped)
	if unwrapErr != nil {
		return seal.DataKey{}, errors.Join(unwrapErr, err)
	}
	return key, nil
}

// keyID is how a key of a file is called: Tink's number for it, which is random.
func keyID(id uint32) string { return fmt.Sprintf("%08x", id) }

// named says under which key something was wrapped when it does not unwrap.
// Tink's ciphertext begins with 1 and the number of its key.
type named struct{ tink.AEAD }

// Decrypt implements tink.AEAD.
func (n named) Decrypt(wrapped, bound []byte) ([]byte, error) {
	plain, err := n.AEAD.Decrypt(wrapped, bound)
	if err != nil && len(wrapped) > 5 && wrapped[0] == 1 {
		return nil, fmt.Errorf("what is wrapped under %s: %w", keyID(binary.BigEndian.Uint32(wrapped[1:])), err)
	}
	return plain, err
}

// maxFile is more than any keyset needs.
const maxFile = 1 << 20

// read reads a keyset. It takes only a file that nobody but its owner can read.
func read(path string) (*keyset.Handle, fs.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.Invalid.Because(err, "there is no key file at %s; if people are in the record already, restore it from its backup, else create it", path)
	}
	if err != nil {
		return nil, nil, fault.Invalid.Because(err, "the key file cannot be read: %v", err)
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fault.Invalid.New("%s should be a key file and is %s", path, info.Mode())
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		return nil, nil, fault.Invalid.New("the key file %s is open to others (mode %04o); `chmod 600` it, and think of who may have read it", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key file: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil { // its words may quote what it read
		return nil, nil, fault.Invalid.New("%s holds no keyset as Tink writes it in JSON", path)
	}
	return handle, info, nil
}
