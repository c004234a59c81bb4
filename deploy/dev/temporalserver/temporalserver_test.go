package temporalserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/schema/fault"
)

// childDir in the environment makes this binary a program that runs a server,
// starts a workflow and waits to be killed.
const childDir = "KUTSE_TEMPORALSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func runUntilKilled(dir string) {
	s, err := temporalserver.Start(context.Background(), temporalserver.Options{Dir: dir})
	if err == nil {
		err = begin(context.Background(), s)
	}
	fmt.Println(err)
	select {}
}

const queue = "case"

// Case waits for one verdict and takes a step for it.
func Case(ctx workflow.Context) (string, error) {
	var verdict string
	workflow.GetSignalChannel(ctx, "verdict").Receive(ctx, &verdict)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	err := workflow.ExecuteActivity(ctx, Record, verdict).Get(ctx, &verdict)
	return verdict, err
}

// Record is the step.
func Record(_ context.Context, verdict string) (string, error) { return verdict + " recorded", nil }

func TestAWorkflowGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	o := temporalserver.Options{Dir: t.TempDir()}
	s := start(t, o)
	if err := begin(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "temporal.db-wal")); err != nil {
		t.Errorf("the database does not run with a write-ahead log: %v", err)
	}
	stop(t, s)

	s = start(t, o)
	defer stop(t, s)
	finish(t, s)
}

func TestAWorkflowGoesOnAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if strings.TrimSpace(line) != "<nil>" {
		t.Fatalf("the child said %q", line)
	}
	s := start(t, temporalserver.Options{Dir: dir})
	defer stop(t, s)
	finish(t, s)
}

func TestInMemory(t *testing.T) {
	t.Parallel()
	for range 2 { // two at once do not meet
		t.Run("", func(t *testing.T) {
			t.Parallel()
			s := start(t, temporalserver.Options{Namespace: "other"})
			defer stop(t, s)
			if err := begin(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			finish(t, s)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	o := temporalserver.Options{Dir: t.TempDir()}
	s := start(t, o)
	defer stop(t, s)
	if _, err := temporalserver.Start(t.Context(), o); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second start on the folder: %v, want a conflict that names this process", err)
	}
	_, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	if _, err := temporalserver.Start(t.Context(), temporalserver.Options{Port: n}); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), port) {
		t.Errorf("start on a port in use: %v, want the port named", err)
	}
}

func start(t *testing.T, o temporalserver.Options) *temporalserver.Server {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	began := time.Now()
	s, err := temporalserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Temporal ready in %s", time.Since(began).Round(time.Millisecond))
	return s
}

func stop(t *testing.T, s *temporalserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	began := time.Now()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	t.Logf("Temporal stopped in %s", time.Since(began).Round(time.Millisecond))
}

func dial(ctx context.Context, s *temporalserver.Server) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: s.Address(), Namespace: s.Namespace(),
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}

func begin(ctx context.Context, s *temporalserver.Server) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "case-1", TaskQueue: queue}, "Case")
	return err
}

func finish(t *testing.T, s *temporalserver.Server) {
	t.Helper()
	c, err := dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(Case)
	w.RegisterActivity(Record)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if err := c.SignalWorkflow(t.Context(), "case-1", "", "verdict", "shown"); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := c.GetWorkflow(t.Context(), "case-1", "").Get(t.Context(), &got); err != nil || got != "shown recorded" {
		t.Errorf("the workflow ended with %q, %v", got, err)
	}
}
