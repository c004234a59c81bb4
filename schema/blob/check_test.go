package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/sealtest"
)

func TestAnAuditorChecksAFileByItsAddress(t *testing.T) {
	t.Parallel()
	for name, seals := range map[string]seal.Sealer{"seeking": sealtest.Sealer(), "reading on": sequential{sealtest.Sealer()}} {
		s := opened(t, t.TempDir(), seals)
		want := stored(t, s, mari, content)
		if got, err := s.Check(mari, want.Address); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
		for what, of := range map[string]struct {
			p       person.ID
			address canon.Salt
		}{"another person": {jaan, want.Address}, "another address": {mari, canon.Salt(want.Digest)}} {
			if _, err := s.Check(of.p, of.address); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s, %s: %v, want not found", name, what, err)
			}
		}
	}
}

func TestEveryDamageToAFileIsFound(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	want := stored(t, s, mari, content)
	path := filepath.Join(dir, filePath(string(mari), want.Address))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x20
		damagedBy(t, s, want.Address, path, b)
		damagedBy(t, s, want.Address, path, whole[:i])
	}
	damagedBy(t, s, want.Address, path, append(bytes.Clone(whole), 0))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Check(mari, want.Address); err != nil || got != want {
		t.Errorf("put right again: %+v, %v", got, err)
	}
}

func damagedBy(t *testing.T, s *Store, address canon.Salt, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Check(mari, address); !errors.Is(err, ErrDamaged) || fault.Of(err) != "" {
		t.Errorf("%q: %v, want it found", b, err)
	}
}

// Whoever can write on the disk can swap two files of one person, and whoever has
// the key can seal another at the address of one.
func TestAFileAtTheAddressOfAnotherIsFound(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	one, other := stored(t, s, mari, content), stored(t, s, mari, []byte("another"))
	path := filepath.Join(dir, filePath(string(mari), one.Address))
	b, err := os.ReadFile(filepath.Join(dir, filePath(string(mari), other.Address)))
	if err != nil {
		t.Fatal(err)
	}
	damagedBy(t, s, one.Address, path, b)

	var forged bytes.Buffer
	w, err := s.seal.SealTo(mari, fileField(one.Address), &forged)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte("another"))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	damagedBy(t, s, one.Address, path, forged.Bytes())
}

func TestADiskThatDoesNotAnswerIsNoDamage(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	want := stored(t, s, mari, content)
	path := filepath.Join(dir, filePath(string(mari), want.Address))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // a folder opens and cannot be read
		t.Fatal(err)
	}
	if _, err := s.Check(mari, want.Address); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v, want what the disk said", err)
	}
}
