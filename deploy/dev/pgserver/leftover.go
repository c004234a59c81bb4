package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

// postmaster is what a running server writes into its data folder.
type postmaster struct {
	pid    int
	socket string
	ready  bool
}

func readPostmaster(dir string) (postmaster, error) {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return postmaster{}, err
	}
	// Lines: pid, data folder, start time, port, socket folder, address, shared
	// memory, state. The file grows while the server starts.
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return postmaster{}, fmt.Errorf("reading postmaster.pid: no process in %q", lines[0])
	}
	p := postmaster{pid: pid}
	if len(lines) > 4 {
		p.socket = strings.TrimSpace(lines[4])
	}
	if len(lines) > 7 {
		p.ready = strings.TrimSpace(lines[7]) == "ready"
	}
	return p, nil
}

// stopLeftover stops a server that a killed supervisor left running. A number
// in a file is no proof: the process must be a postgres at work in this folder,
// and speak on our socket, or it is somebody's and stays.
func (c cluster) stopLeftover(ctx context.Context, socket string) error {
	p, err := readPostmaster(c.Dir)
	if err != nil || !servesFolder(ctx, p.pid, c.Dir) {
		return nil
	}
	if p.socket != "" && p.socket != socket {
		return fault.Conflict.New("a PostgreSQL server that we did not start (process %d) runs on %s; stop it first", p.pid, c.Dir)
	}
	c.Logger.InfoContext(ctx, "stopping a postgres left running", "pid", p.pid)
	if err := c.end(ctx, p.pid, syscall.SIGINT); err == nil {
		return nil
	}
	return c.end(ctx, p.pid, syscall.SIGQUIT)
}

func (c cluster) end(ctx context.Context, pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping the postgres left running as process %d: %w", pid, err)
	}
	deadline := time.Now().Add(patience)
	// Not a signal of 0: that reaches a zombie too, and in a container there may
	// be nobody to bury it.
	for servesFolder(ctx, pid, c.Dir) {
		if time.Now().After(deadline) {
			return fault.Conflict.New("the PostgreSQL server left running as process %d does not stop; stop it by hand", pid)
		}
		if err := wait(ctx, poll); err != nil {
			return err
		}
	}
	return nil
}
