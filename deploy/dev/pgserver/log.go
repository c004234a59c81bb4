package pgserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kutse-dev/kutse/schema/fault"
)

// noTrick keeps us from following a link, and from waiting at a pipe. As root
// we open the log in a folder of another account, which can put either there.
const noTrick = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func logPath(dir string) string { return filepath.Join(dir, "postgres.log") }

// openLog also says where the next server's own messages begin.
func (c cluster) openLog() (*os.File, int64, error) {
	path := logPath(c.Dir)
	if fi, err := os.Lstat(path); err == nil && fi.Size() > 10<<20 {
		_ = os.Rename(path, path+".1")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|noTrick, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, 0, c.notALog(path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("opening the log of postgres: %w", err)
	}
	size, err := c.ownLog(f)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, size, nil
}

// ownLog gives the opened log to the account of the server. What is open is
// what is looked at: the name may stand for another file by now.
func (c cluster) ownLog(f *os.File) (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("opening the log of postgres: %w", err)
	}
	if !c.account.mayLogTo(fi) {
		return 0, c.notALog(f.Name())
	}
	if c.account.drop {
		_ = f.Chown(int(c.account.uid), int(c.account.gid))
	}
	return fi.Size(), nil
}

// mayLogTo accepts the account's own file, and a file of root that has just this
// one name, as it has when we have made it: the account could have linked
// another one of root's here, to be given it.
func (a account) mayLogTo(fi os.FileInfo) bool {
	st := fi.Sys().(*syscall.Stat_t)
	return fi.Mode().IsRegular() && (st.Uid == a.uid || st.Uid == 0 && st.Nlink == 1)
}

func (c cluster) notALog(path string) error {
	return fault.Conflict.New("%s should be a regular file of %s and is not; remove it", path, c.account.name)
}

func (c cluster) logSince(from int64) string {
	text, err := readLog(logPath(c.Dir), from)
	if err != nil {
		return "its log could not be read: " + err.Error()
	}
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return strings.TrimSpace(string(text))
}

func readLog(path string, from int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noTrick, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
