package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

func TestACacheThatAnybodyCouldHaveMadeIsOursAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		place func(t *testing.T, dir string)
		taken bool
	}{
		"none yet":               {func(*testing.T, string) {}, true},
		"ours":                   {func(t *testing.T, dir string) { folder(t, dir, 0o700) }, true},
		"one the group writes":   {func(t *testing.T, dir string) { folder(t, dir, 0o770) }, false},
		"one that all write":     {func(t *testing.T, dir string) { folder(t, dir, 0o707) }, false},
		"a link to one of ours":  {func(t *testing.T, dir string) { symlink(t, t.TempDir(), dir) }, false},
		"a link to nothing":      {func(t *testing.T, dir string) { symlink(t, "/nowhere", dir) }, false},
		"one of another account": {another, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			c.place(t, dir)
			err := ownAlone(dir)
			if c.taken && err != nil || !c.taken && !errors.Is(err, fault.Conflict) {
				t.Errorf("got %v; to be taken: %t", err, c.taken)
			}
			if fi, err := os.Stat(dir); c.taken && (err != nil || fi.Mode().Perm() != 0o700) {
				t.Errorf("the cache is %v, %v; want it closed", fi, err)
			}
		})
	}
}

func TestTheCacheInTheTemporaryFolderIsLookedAt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder(t, temporaryCache(), 0o777)
	if err := openCache(temporaryCache()); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

func TestStaleWorkInTheCacheIsRemoved(t *testing.T) {
	t.Parallel()
	cache, old := t.TempDir(), time.Now().Add(-25*time.Hour)
	for _, name := range []string{".fetch-1", ".new-initdb-18-x-1", ".fetch-young", "initdb-18-x", "elsewhere"} {
		folder(t, filepath.Join(cache, name), 0o700)
		if name == ".fetch-young" {
			continue
		}
		if err := os.Chtimes(filepath.Join(cache, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	symlink(t, filepath.Join(cache, "elsewhere"), filepath.Join(cache, ".fetch-link"))

	removeStale(cache, account{uid: uint32(os.Geteuid())})

	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got, want := strings.Join(left, " "), ".fetch-link .fetch-young elsewhere initdb-18-x"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
}

func TestAStartThatFailsLeavesNoSocketFolder(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	folder(t, socket, 0o700)
	o, err := Options{Dir: t.TempDir()}.complete()
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{Options: o, account: account{uid: uint32(os.Geteuid())}, binaries: binaries{dir: t.TempDir()}}
	if _, err := c.run(context.Background(), socket); err == nil {
		t.Fatal("a server without its program runs")
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the folder of the socket is left: %v", err)
	}
}

func folder(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func another(t *testing.T, dir string) {
	t.Helper()
	folder(t, dir, 0o700)
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another account")
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Skip(err)
	}
}
