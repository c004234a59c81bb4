package pgserver

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
)

// servesFolder reports whether pid is a postgres whose working folder is dir,
// as a postmaster's always is.
func servesFolder(_ context.Context, pid int, dir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil || filepath.Base(exe) != "postgres" {
		return false
	}
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	fi, err := os.Stat(dir)
	return err == nil && os.SameFile(cwd, fi)
}
