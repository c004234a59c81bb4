package dev_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.temporal.io/sdk/client"

	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/schema/fault"
)

// childDir in the environment makes this binary a program that runs a system
// until it is killed.
const childDir = "KUTSE_DEV_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		_, err := dev.Start(context.Background(), dev.Options{Data: dir})
		fmt.Println(err)
		select {}
	}
	os.Exit(m.Run())
}

func TestStartStopStart(t *testing.T) {
	t.Parallel()
	o := dev.Options{Data: filepath.Join(t.TempDir(), "data")}
	s := start(t, o)
	reach(t, s.Addresses)
	execute(t, s.Postgres.Owner, `create table evidence (id int)`)
	stop(t, s)
	if _, err := os.Stat(filepath.Join(o.Data, "addresses.json")); !os.IsNotExist(err) {
		t.Errorf("after the stop the addresses are left: %v", err)
	}

	s = start(t, o)
	defer stop(t, s)
	execute(t, s.Postgres.Owner, `insert into evidence values (1)`)
	if found := addresses(t, o.Data); found != s.Addresses {
		t.Errorf("found %+v, want %+v", found, s.Addresses)
	}
	fi, err := os.Stat(filepath.Join(o.Data, "addresses.json"))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the addresses are for others to read: %v, %v", fi, err)
	}
}

func TestSecondStartOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	o := dev.Options{Data: t.TempDir(), Fast: true}
	s := start(t, o)
	defer stop(t, s)
	_, err := dev.Start(t.Context(), o)
	want := fmt.Sprintf("the folder %s is in use by process %d; stop it or give another --data", o.Data, os.Getpid())
	if !errors.Is(err, fault.Conflict) || fault.Message(err) != want {
		t.Errorf("second start: %v, want %q", err, want)
	}
	reach(t, s.Addresses)
}

func TestAfterAKillEverythingGoesOn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
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
	if strings.TrimSpace(line) != "<nil>" {
		t.Fatalf("the child said %q", line)
	}
	old, err := os.ReadFile(filepath.Join(dir, "pg", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	s := start(t, dev.Options{Data: dir})
	defer stop(t, s)
	reach(t, s.Addresses)
	pid, _ := strconv.Atoi(strings.SplitN(string(old), "\n", 2)[0])
	if running(pid) {
		t.Errorf("the postgres of the killed system, process %d, still runs", pid)
	}
}

func TestEphemeral(t *testing.T) {
	t.Parallel()
	s := start(t, dev.Options{Ephemeral: true})
	reach(t, s.Addresses)
	stop(t, s)
	if _, err := os.Stat(s.Data); !os.IsNotExist(err) {
		t.Errorf("the folder of an ephemeral system is left: %v", err)
	}

	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Start(t.Context(), dev.Options{Ephemeral: true, Data: full}); !errors.Is(err, fault.Invalid) {
		t.Errorf("on a folder with files: %v, want it refused", err)
	}
}

func TestAConfiguredDatabaseIsUsedOrComplainedAbout(t *testing.T) {
	t.Parallel()
	first := start(t, dev.Options{Ephemeral: true})
	defer stop(t, first)
	s := start(t, dev.Options{Ephemeral: true, DatabaseURL: first.Postgres.Service})
	defer stop(t, s)
	if s.Postgres.Owner != first.Postgres.Service {
		t.Errorf("uses %s, not what was configured", s.Postgres.Owner)
	}
	if _, err := os.Stat(filepath.Join(s.Data, "pg")); !os.IsNotExist(err) {
		t.Errorf("a cluster was made all the same: %v", err)
	}
	_, err := dev.Start(t.Context(), dev.Options{Ephemeral: true, DatabaseURL: "postgres://nobody@/none?host=/nowhere"})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("a database that does not answer: %v", err)
	}
}

func TestAServerThatDiesIsReported(t *testing.T) {
	t.Parallel()
	s := start(t, dev.Options{Ephemeral: true})
	defer stop(t, s)
	text, err := os.ReadFile(filepath.Join(s.Data, "pg", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Failed(); !strings.Contains(err.Error(), "PostgreSQL ended") {
		t.Errorf("reported %v", err)
	}
}

func addresses(t *testing.T, data string) dev.Addresses {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "addresses.json"))
	if err != nil {
		t.Fatal(err)
	}
	var a dev.Addresses
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func start(t *testing.T, o dev.Options) *dev.System {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	o.Progress = func(stage string, took time.Duration) { t.Log(stage, took.Round(time.Millisecond)) }
	began := time.Now()
	s, err := dev.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the system is ready in %s", time.Since(began).Round(time.Millisecond))
	return s
}

// running does not count a zombie, which in a container may stay for ever.
func running(pid int) bool {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		_, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return err == nil
	}
	return syscall.Kill(pid, 0) == nil
}

func stop(t *testing.T, s *dev.System) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

// reach talks to all three servers.
func reach(t *testing.T, a dev.Addresses) {
	t.Helper()
	for _, url := range []string{a.Postgres.Owner, a.Postgres.Service, a.Postgres.Reader, a.Postgres.Superuser} {
		execute(t, url, `select 1`)
	}
	nc, err := nats.Connect(a.NATS)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: a.Temporal.Address, Namespace: a.Temporal.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func execute(t *testing.T, url, stmt string) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), stmt); err != nil {
		t.Fatal(err)
	}
}
