package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
)

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	l := acquire(t, path)
	_, err := filelock.Acquire(path)
	if held := (*filelock.Held)(nil); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("second holder: %v, want the first one named", err)
	}
	l.Release()
	acquire(t, path).Release()
}

func TestOnlyAbandonedFoldersAreRemoved(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	folder := func(name string, age time.Duration) string {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		acquire(t, filepath.Join(dir, "lock")).Release()
		then := time.Now().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	abandoned, young, used := folder("t-1", time.Hour), folder("t-2", 0), folder("t-3", time.Hour)
	other := folder("other", time.Hour)
	defer acquire(t, filepath.Join(used, "lock")).Release()

	filelock.RemoveAbandoned(filepath.Join(base, "t-*"), "lock")

	if _, err := os.Stat(abandoned); !os.IsNotExist(err) {
		t.Errorf("the abandoned folder: %v, want it gone", err)
	}
	for _, dir := range []string{young, used, other} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s: %v", filepath.Base(dir), err)
		}
	}
}

func acquire(t *testing.T, path string) *filelock.Lock {
	t.Helper()
	l, err := filelock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
