package filelock

import "os"

// File is what the lock is on.
func (l *Lock) File() *os.File { return l.file }
