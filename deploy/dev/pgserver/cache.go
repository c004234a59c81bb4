package pgserver

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

// DefaultCache is where fetched binaries are kept. As root it is a folder that
// the account of the server can enter too.
func DefaultCache() string {
	if os.Geteuid() == 0 {
		return "/var/cache/kutse"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "kutse")
	}
	return temporaryCache()
}

// temporaryCache is for an account without a home: one folder for each account,
// since programs are run from it.
func temporaryCache() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("kutse-cache-%d", os.Geteuid()))
}

// openCache makes sure that a cache in the temporary folder is ours alone:
// anybody can guess its name and take it first, with a server of their own in
// it. Other caches are where only their owner can make a folder.
func openCache(dir string) error {
	if dir != temporaryCache() {
		return nil
	}
	return ownAlone(dir)
}

func ownAlone(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return fmt.Errorf("making the cache folder: %w", err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("making the cache folder: %w", err)
	}
	if !fi.IsDir() || int(ownerOf(fi)) != os.Geteuid() || fi.Mode().Perm()&0o022 != 0 {
		return fault.Conflict.New("the cache %s should be a folder of this account that nobody else can write to, and is not; "+
			"remove it, or set HOME", dir)
	}
	return nil
}

// staleAfter is longer than any fetch or initdb takes, so that what is older is
// of a process that was killed.
const staleAfter = 24 * time.Hour

// removeStale removes unfinished fetches and seeds from the cache. No lock says
// who is at work on one, only its age.
func removeStale(cache string, acc account) {
	for _, pattern := range []string{".fetch-*", ".new-initdb-*"} {
		left, _ := filepath.Glob(filepath.Join(cache, pattern))
		for _, dir := range left {
			if fi, err := os.Lstat(dir); err == nil && acc.abandoned(fi) {
				_ = os.RemoveAll(dir)
			}
		}
	}
}

// abandoned reports whether this is an old folder of ours, or of the account to
// which we give the seeds.
func (a account) abandoned(fi os.FileInfo) bool {
	owner := ownerOf(fi)
	ours := owner == a.uid || int(owner) == os.Geteuid()
	return fi.IsDir() && ours && time.Since(fi.ModTime()) > staleAfter
}
