// Package filelock lets one process at a time use a folder.
package filelock

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Lock is held until Release or the end of the process, however it ends: the
// kernel drops it, so a crash leaves nothing to clean up.
type Lock struct{ file *os.File }

// Held says that another process has the lock. PID is 0 when it did not say.
type Held struct {
	Path string
	PID  int
}

// Error implements error.
func (h *Held) Error() string { return fmt.Sprintf("%s is held by process %d", h.Path, h.PID) }

// Acquire takes the lock at path at once or returns *Held.
//
// The file is never removed: whoever removes it could take a lock on a file
// that has no name any more, while a third process locks the new one.
func Acquire(path string) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("opening lock file: %w", err)
	}
	if err := flock(f); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &Held{Path: path, PID: holder(f)}
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	l := &Lock{file: f}
	if err := l.sign(); err != nil {
		l.Release()
		return nil, fmt.Errorf("writing lock file %s: %w", path, err)
	}
	return l, nil
}

// open takes regular files only, and follows no link: sign truncates what is
// opened here, and where a link leads is for whoever made it to say.
func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link and should be a file: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Release gives the lock up. It unlocks before it closes: a child that was just
// forked holds the file as well until it becomes its program, and with a close alone
// the lock would last as long.
func (l *Lock) Release() {
	_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	_ = l.file.Close()
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// sign writes who holds the lock. It is for the message only; the lock is what counts.
func (l *Lock) sign() error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func holder(f *os.File) int {
	buf := make([]byte, 20)
	n, _ := f.ReadAt(buf, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	return pid
}
