package filelock

import (
	"os"
	"path/filepath"
	"time"
)

// RemoveAbandoned removes the temporary folders that match pattern and whose
// lock, the file of that name in them, nobody holds: what a crash of the machine
// has left. A young folder is kept; its owner may not have its lock yet.
func RemoveAbandoned(pattern, lock string) {
	dirs, _ := filepath.Glob(pattern)
	for _, dir := range dirs {
		fi, err := os.Lstat(dir)
		if err != nil || !fi.IsDir() || time.Since(fi.ModTime()) < time.Minute {
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
