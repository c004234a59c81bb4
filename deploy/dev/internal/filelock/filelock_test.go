package filelock_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
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

func TestALockThatIsALinkIsRefusedAndItsTargetKept(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	target, link := precious(t, base), filepath.Join(base, "lock")
	symlink(t, target, link)
	if l, err := filelock.Acquire(link); err == nil {
		l.Release()
		t.Error("a link was taken for a lock")
	}
	stillPrecious(t, target)
}

func TestAbandonedFoldersAreNotFoundThroughLinks(t *testing.T) {
	t.Parallel()
	base, elsewhere := t.TempDir(), t.TempDir()
	target := precious(t, elsewhere)
	acquire(t, filepath.Join(elsewhere, "lock")).Release()
	symlink(t, elsewhere, filepath.Join(base, "t-folder"))
	trap := filepath.Join(base, "t-lock")
	if err := os.Mkdir(trap, 0o700); err != nil {
		t.Fatal(err)
	}
	symlink(t, target, filepath.Join(trap, "lock"))
	for _, dir := range []string{trap, elsewhere} {
		age(t, dir, time.Hour)
	}

	filelock.RemoveAbandoned(filepath.Join(base, "t-*"), "lock")

	stillPrecious(t, target)
	if _, err := os.Stat(trap); err != nil {
		t.Errorf("a folder whose lock is a link was removed: %v", err)
	}
}

func TestFoldersOfOtherAccountsAreNotTouched(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder of another account")
	}
	base := t.TempDir()
	dir := filepath.Join(base, "t-1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Skip(err)
	}
	age(t, dir, time.Hour)

	filelock.RemoveAbandoned(filepath.Join(base, "t-*"), "lock")

	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("the folder of another account: %v, %v; want it as it was", entries, err)
	}
}

func TestOnlyAbandonedFoldersAreRemoved(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	folder := func(name string, old time.Duration) string {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		acquire(t, filepath.Join(dir, "lock")).Release()
		age(t, dir, old)
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

func precious(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func stillPrecious(t *testing.T, path string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("a file behind a link: %q, %v; want it as it was", text, err)
	}
}

func symlink(t *testing.T, target, link string) {
	t.Helper()
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
}

func age(t *testing.T, dir string, old time.Duration) {
	t.Helper()
	then := time.Now().Add(-old)
	if err := os.Chtimes(dir, then, then); err != nil {
		t.Fatal(err)
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

// A child that was just forked holds every file of its parent for a moment.
func TestALockThatAnotherProcessStillHoldsOpenIsGivenUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	l, err := filelock.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(l.File().Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	l.Release()
	again, err := filelock.Acquire(path)
	if err != nil {
		t.Fatalf("after its release: %v", err)
	}
	again.Release()
}
