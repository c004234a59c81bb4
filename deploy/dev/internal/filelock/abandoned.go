package filelock

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// RemoveAbandoned removes the temporary folders that match pattern and whose
// lock, the file of that name in them, nobody holds: what a crash of the machine
// has left. A young folder is kept; its owner may not have its lock yet. So is
// one of another account: in a folder that all may write to, the name says
// nothing about who made it and what for.
func RemoveAbandoned(pattern, lock string) {
	dirs, _ := filepath.Glob(pattern)
	for _, dir := range dirs {
		if !ownFolder(dir, time.Minute) {
			continue
		}
		l, err := Acquire(filepath.Join(dir, lock))
		if err != nil {
			continue
		}
		_ = os.RemoveAll(dir)
		l.Release()
	}
}

// ownFolder reports whether path is a folder, not a link to one, that this
// account made and nobody changed for a time.
func ownFolder(path string, age time.Duration) bool {
	fi, err := os.Lstat(path)
	if err != nil || !fi.IsDir() || time.Since(fi.ModTime()) < age {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
