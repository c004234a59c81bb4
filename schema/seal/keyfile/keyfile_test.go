package keyfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/kutse-dev/kutse/schema/seal/keyfile"
)

func TestAFileIsWholeForItsOwnerAndAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for _, step := range []struct {
		text string
		name func(from, to string) error
		want error
		left string
	}{
		{"first", os.Link, nil, "first"},
		{"second", os.Link, fs.ErrExist, "first"},
		{"third", os.Rename, nil, "third"},
	} {
		if err := keyfile.Write(path, []byte(step.text), step.name); !errors.Is(err, step.want) {
			t.Errorf("writing %q: %v, want %v", step.text, err, step.want)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != step.left {
			t.Errorf("after %q the file is %q, %v; want %q", step.text, got, err, step.left)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want it for its owner alone", info.Mode(), err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want the file and nothing else", files, err)
	}
}
