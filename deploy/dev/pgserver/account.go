package pgserver

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/kutse-dev/kutse/schema/fault"
)

// account is who the server runs as.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // we are root and must become this account
}

// accountFor picks the account for the cluster in dir. A cluster that exists
// keeps its owner, so that root can go on where a person began.
func accountFor(dir string) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uint32(uid), gid: uint32(os.Getegid())}, nil
	}
	candidates := []func() (*user.User, error){
		func() (*user.User, error) { return clusterOwner(dir) },
		func() (*user.User, error) { return user.Lookup("postgres") },
		func() (*user.User, error) { return user.Lookup("nobody") },
	}
	for _, lookup := range candidates {
		// An account without an entry will not do: PostgreSQL looks its own name up.
		if u, err := lookup(); err == nil && u.Uid != "0" {
			return accountOf(u)
		}
	}
	return account{}, fault.Invalid.New("PostgreSQL does not run as root, and there is neither an account postgres nor nobody to run it as")
}

func clusterOwner(dir string) (*user.User, error) {
	fi, err := os.Stat(filepath.Join(dir, "PG_VERSION"))
	if err != nil {
		return nil, err
	}
	return user.LookupId(strconv.Itoa(int(ownerOf(fi))))
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the uid of %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("reading the gid of %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), drop: true}, nil
}

// attr starts a process as the account, in a group of its own: Ctrl-C in the
// terminal reaches us first, and we stop the server in order.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	dieWithParent(attr)
	return attr
}

// own gives a folder and all in it to the account.
func (a account) own(dir string) error {
	if !a.drop {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.uid), int(a.gid))
	})
}

// admit makes sure that the account can enter path, which may not exist yet.
// Our own folders below the temporary folder are opened; others are not ours
// to open, and the person is told.
func (a account) admit(path string) error {
	if !a.drop {
		return nil
	}
	for _, dir := range parents(path) {
		fi, err := os.Stat(dir)
		if os.IsNotExist(err) {
			return nil // made by us, below, with a mode that lets the account in
		}
		if err != nil {
			return fmt.Errorf("looking at %s: %w", dir, err)
		}
		if a.mayEnter(fi) {
			continue
		}
		if ownerOf(fi) == 0 && isTemporary(dir) {
			if err := os.Chmod(dir, fi.Mode().Perm()|0o011); err != nil {
				return fmt.Errorf("opening %s for PostgreSQL: %w", dir, err)
			}
			continue
		}
		return fault.Invalid.New("PostgreSQL does not run as root, and the account %q it runs as cannot enter %s (mode %04o), "+
			"which is on the way to %s; use a folder elsewhere, such as /var/lib/kutse", a.name, dir, fi.Mode().Perm(), path)
	}
	return nil
}

func (a account) mayEnter(fi os.FileInfo) bool {
	st := fi.Sys().(*syscall.Stat_t)
	switch {
	case st.Uid == a.uid:
		return fi.Mode()&0o100 != 0
	case st.Gid == a.gid:
		return fi.Mode()&0o010 != 0
	default:
		return fi.Mode()&0o001 != 0
	}
}

// parents lists the folders above path, from the root down.
func parents(path string) []string {
	var dirs []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		dirs = append([]string{dir}, dirs...)
		if dir == filepath.Dir(dir) {
			return dirs
		}
	}
}

func isTemporary(dir string) bool {
	for _, tmp := range []string{os.TempDir(), "/tmp", "/dev/shm"} {
		if strings.HasPrefix(dir, filepath.Clean(tmp)+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

func ownerOf(fi os.FileInfo) uint32 { return fi.Sys().(*syscall.Stat_t).Uid }
