package pgserver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// port is only the end of the socket's name; nothing listens on TCP.
const port = "5432"

// poll is how often we look where PostgreSQL offers nothing to wait on.
const poll = 10 * time.Millisecond

// launch starts the postmaster and waits until it takes connections. After a
// kill the first attempts can be refused, while orphaned backends still hold
// the shared memory.
func (c cluster) launch(ctx context.Context, socket string) (*child, error) {
	deadline := time.Now().Add(patience)
	for {
		ch, err := c.attempt(ctx, socket)
		if err == nil {
			return ch, nil
		}
		var refused *refusedError
		if !errors.As(err, &refused) || time.Now().After(deadline) {
			return nil, err
		}
		c.Logger.DebugContext(ctx, "postgres still held by an earlier one", "reason", refused.Error())
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// refusedError is a refusal that passes by itself.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

func (c cluster) attempt(ctx context.Context, socket string) (*child, error) {
	out, from, err := c.openLog()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(c.binaries.path("postgres"), c.settings(socket)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", environment(), c.account.attr()
	ch, err := launchChild(cmd)
	if err != nil {
		return nil, fmt.Errorf("running postgres: %w", err)
	}
	if err := c.awaitReady(ctx, ch, from); err != nil {
		return nil, err
	}
	return ch, nil
}

// awaitReady waits for the line in postmaster.pid that says ready. A ping
// would not do: it could be answered by another server on the same folder.
func (c cluster) awaitReady(ctx context.Context, ch *child, from int64) error {
	told := time.Now().Add(2 * time.Second)
	for {
		if !ch.alive() {
			return c.whyEnded(ch, from)
		}
		if p, err := readPostmaster(c.Dir); err == nil && p.pid == ch.pid && p.ready {
			return nil
		}
		if !told.IsZero() && time.Now().After(told) {
			c.Progress("waiting for PostgreSQL, which may be recovering")
			told = time.Time{}
		}
		if err := wait(ctx, poll); err != nil {
			ch.kill()
			return fmt.Errorf("waiting for postgres: %w", err)
		}
	}
}

func (c cluster) whyEnded(ch *child, from int64) error {
	said := c.logSince(from)
	for _, passing := range []string{"lock file", "pre-existing shared memory block"} {
		if strings.Contains(said, passing) {
			return &refusedError{said}
		}
	}
	return fmt.Errorf("postgres did not start: %w: %s", ch.state, said)
}

// settings are given on the command line, so that they are those of this
// version of the program and not of the one that made the cluster.
func (c cluster) settings(socket string) []string {
	set := []string{
		"listen_addresses=",
		"unix_socket_directories=" + socket,
		"unix_socket_permissions=0700",
		"port=" + port,
		"max_connections=100",
		"shared_buffers=128MB",
		"timezone=UTC",
		"log_timezone=UTC",
		"log_min_messages=warning",
		"log_line_prefix=%m [%p] %q%u@%d ",
		"logging_collector=off",
		"log_destination=stderr",
		"jit=off", // our statements are short; compiling them costs more than it saves
	}
	if !c.Durable {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=128MB", "min_wal_size=32MB")
	}
	args := []string{"-D", c.Dir}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
