package wire

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestTheKeyForCaseFilesIsMadeOnceAndRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "casefile.key")
	vkey, err := MakeCaseFileKey(path, "kutse.example.ee")
	if err != nil {
		t.Fatal(err)
	}
	key, err := caseFileKey(config.CaseFiles{CaseFileKey: path, Trust: []string{vkey}})
	if err != nil || key.VKey != vkey || key.Origin() != "kutse.example.ee" {
		t.Errorf("got %s of %s, %v; want %s", key.VKey, key.Origin(), err, vkey)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want it for its owner alone", info.Mode(), err)
	}
	if _, err := MakeCaseFileKey(path, "kutse.example.ee"); !errors.Is(err, fault.Conflict) {
		t.Errorf("made again: %v, want a conflict", err)
	}
	if key, err := caseFileKey(config.CaseFiles{}); err != nil || key.Signer != nil {
		t.Errorf("where none is named: %v, %v; want none", key, err)
	}
	for name, cfg := range map[string]config.CaseFiles{
		"--trust": {Trust: []string{"PRIVATE+KEY"}},
		"secret":  {CaseFileKey: filepath.Join(filepath.Dir(path), "other.key")},
		"be read": {CaseFileKey: path + ".no"},
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "other.key"), []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := caseFileKey(cfg); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want invalid, in these words", name, err)
		}
	}
}
