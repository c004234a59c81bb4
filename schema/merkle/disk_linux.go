package merkle

import "syscall"

// syncMany returns when the disk has everything that was written before. Linux waits
// for it, which POSIX does not ask of sync.
func syncMany([]string) error {
	syscall.Sync()
	return nil
}
