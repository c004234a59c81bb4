package pgserver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

// nobody is an account that is not the one of the tests, also as root.
const nobody = 65534

func TestTheLogIsOpenedThroughNoTrick(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(target, path string) error{
		"a link":             os.Symlink,
		"a second name":      os.Link,
		"a link to no file":  func(_, path string) error { return os.Symlink("/nowhere/at/all", path) },
		"a pipe, and no end": func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := droppedCluster(t)
			target := filepath.Join(t.TempDir(), "shadow")
			if err := os.WriteFile(target, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := place(target, logPath(c.Dir)); err != nil {
				t.Fatal(err)
			}
			f, _, err := c.openLog()
			if err == nil {
				f.Close()
			}
			if err == nil || !strings.Contains(err.Error(), logPath(c.Dir)) {
				t.Errorf("got %v, want an error that names the file", err)
			}
			if fi, err := os.Stat(target); err != nil || ownerOf(fi) != uint32(os.Geteuid()) {
				t.Errorf("the target was given away: %v, %v", fi, err)
			}
		})
	}
}

func TestTheLogIsGivenToTheAccount(t *testing.T) {
	t.Parallel()
	c := droppedCluster(t)
	for range 2 { // made, and then found
		f, _, err := c.openLog()
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if fi, err := os.Stat(logPath(c.Dir)); err != nil || ownerOf(fi) != c.account.uid {
			t.Errorf("the log is not the account's: %v, %v", fi, err)
		}
	}
}

func TestALogThatIsALinkIsAConflict(t *testing.T) {
	t.Parallel()
	c := cluster{Options: Options{Dir: t.TempDir()}, account: account{uid: uint32(os.Geteuid())}}
	if err := os.Symlink("elsewhere", logPath(c.Dir)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.openLog(); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
}

func droppedCluster(t *testing.T) cluster {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another account")
	}
	return cluster{Options: Options{Dir: t.TempDir()}, account: account{name: "nobody", uid: nobody, gid: nobody, drop: true}}
}
