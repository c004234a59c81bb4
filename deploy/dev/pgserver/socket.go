package pgserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kutse-dev/kutse/schema/fault"
)

// socketDir makes the folder of the socket, closed to everybody but the
// account. It is in /tmp because a socket's path may have about 100 bytes only,
// and is named after the data folder so that the next start finds what the last
// one left. Somebody else can take the name first; then we refuse.
func socketDir(data string, acc account) (string, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", acc.uid, data))
	dir := filepath.Join("/tmp", "kutse-"+hex.EncodeToString(sum[:8]))
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("making the folder of the socket: %w", err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("making the folder of the socket: %w", err)
	}
	owner := ownerOf(fi)
	trusted := owner == acc.uid || (acc.drop && owner == 0)
	if !fi.IsDir() || !trusted || fi.Mode().Perm() != 0o700 {
		return "", fault.Conflict.New("%s should be a folder of %s with mode 0700 and is not; remove it", dir, acc.name)
	}
	if acc.drop && owner != acc.uid {
		if err := os.Lchown(dir, int(acc.uid), int(acc.gid)); err != nil {
			return "", fmt.Errorf("giving the folder of the socket to %s: %w", acc.name, err)
		}
	}
	return dir, nil
}

// closeTree takes every right of group and others away, as PostgreSQL demands
// of a data folder.
func closeTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if d.IsDir() {
			mode = 0o700
		}
		return os.Chmod(path, mode)
	})
}
