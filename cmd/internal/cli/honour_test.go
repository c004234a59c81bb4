package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Whoever can change what is published, and not sign it, can leave no erasure out.
func TestErasuresAreTakenFromALogThatVerifiesAsAWhole(t *testing.T) {
	t.Parallel()
	b := newBook(t, 2026)
	b.add(300)
	b.act = eraseAct
	b.add(2)
	b.act = "decision.make"
	b.add(5)
	dir := t.TempDir()
	b.publish(dir)
	got, err := erasedInLog(t.Context(), dir, []string{b.vkey})
	if want := []person.ID{"d300", "d301"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("erased are %v, %v; want %v", got, err, want)
	}
	hideErasure(t, dir)
	got, err = erasedInLog(t.Context(), dir, []string{b.vkey})
	if !errors.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), "300") {
		t.Errorf("with an erasure taken out: %v, %v; want it refused, with the entry's number", got, err)
	}
	if _, err := erasedInLog(t.Context(), dir, []string{newBook(t, 2026).vkey}); !errors.Is(err, fault.Invalid) {
		t.Errorf("by another key: %v, want it refused", err)
	}
}

// hideErasure gives the first erasure in a published log another name, of the same length.
func hideErasure(t *testing.T, dir string) {
	t.Helper()
	hidden := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || hidden || !strings.Contains(path, "entries") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed := bytes.Replace(text, []byte(eraseAct), []byte("person.eraso"), 1)
		hidden = !bytes.Equal(text, changed)
		return os.WriteFile(path, changed, 0o600)
	})
	if err != nil || !hidden {
		t.Fatalf("nothing was changed (%v)", err)
	}
}
