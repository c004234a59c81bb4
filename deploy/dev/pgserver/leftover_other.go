//go:build !linux

package pgserver

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
)

// servesFolder reports whether pid is a postgres that was started for dir.
func servesFolder(ctx context.Context, pid int, dir string) bool {
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres -D "+dir+" ")
}
