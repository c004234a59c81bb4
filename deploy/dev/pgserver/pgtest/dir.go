package pgtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
)

const prefix = "kutse-test-"

// room is what a folder in memory must have free. A container often has 64 MB
// there, and a server that runs out of it fails tests in strange ways.
const room = 1 << 30

// Clusters live in dir/pg, their lock beside them.
func clusterDir(dir string) string { return filepath.Join(dir, "pg") }

func newDir() (string, error) {
	base := os.TempDir()
	if hasRoom("/dev/shm") {
		base = "/dev/shm"
	}
	filelock.RemoveAbandoned(filepath.Join(base, prefix+"*"), "pg.lock")
	dir, err := os.MkdirTemp(base, prefix)
	if err != nil {
		return "", fmt.Errorf("making a folder for the cluster: %w", err)
	}
	return dir, nil
}

func hasRoom(dir string) bool {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return false
	}
	return st.Bavail*uint64(st.Bsize) >= room && syscall.Access(dir, 2) == nil
}

// removeAtExit has a small shell wait for the end of this process, which closes
// its input, and clean up: stop the server where the kernel does not, wait for
// it, remove the files. So a test binary leaves nothing, also when it is killed.
func removeAtExit(dir, socket string) error {
	const script = `cat >/dev/null
p=$(head -n 1 "$1/pg/postmaster.pid" 2>/dev/null)
if [ -n "$p" ]; then
	kill -INT "$p" 2>/dev/null
	n=0
	while [ $n -lt 100 ] && [ -e "$1/pg/postmaster.pid" ]; do n=$((n+1)); sleep 0.1; done
fi
rm -rf "$1" "$2"`
	cmd := exec.Command("/bin/sh", "-c", script, "kutse-cleanup", dir, socket)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not end it before its work
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the clean-up: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the clean-up: %w", err)
	}
	untilExit = stdin
	return nil
}

// untilExit keeps the pipe from being collected, and closed, before the end.
var untilExit io.Closer //nolint:unused // being referred to is its use
