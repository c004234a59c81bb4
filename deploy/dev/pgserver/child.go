package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// child is a process of ours.
type child struct {
	pid   int
	proc  *os.Process
	ended chan struct{}
	state error // why it ended; set before ended is closed
}

// launchChild starts cmd and watches it. The goroutine keeps its thread until
// the child has ended: Go may end an idle thread at any time, and the kernel
// would take that for the death of the parent.
func launchChild(cmd *exec.Cmd) (*child, error) {
	c := &child{ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		c.proc, c.pid = cmd.Process, cmd.Process.Pid
		started <- nil
		err := cmd.Wait()
		c.state = fmt.Errorf("%s", cmd.ProcessState)
		if err == nil {
			c.state = fmt.Errorf("exit status 0")
		}
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// interrupt asks for a fast shutdown.
func (c *child) interrupt() { _ = c.proc.Signal(syscall.SIGINT) }

// kill ends the server without a checkpoint and waits for it.
func (c *child) kill() {
	_ = c.proc.Signal(syscall.SIGQUIT)
	select {
	case <-c.ended:
	case <-time.After(patience):
		_ = c.proc.Kill()
		<-c.ended
	}
}

func (c *child) alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// environment is ours without what would steer PostgreSQL or its language: a
// PGDATA or PGOPTIONS of the person must not reach the private cluster.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") {
			continue
		}
		env = append(env, kv)
	}
	return env
}
