package pgserver_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver"
	"github.com/kutse-dev/kutse/schema/fault"
)

// childDir in the environment makes this binary a program that runs a cluster
// until it is killed.
const childDir = "KUTSE_PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runUntilKilled(dir)
	}
	os.Exit(m.Run())
}

func runUntilKilled(dir string) {
	s, err := pgserver.Start(context.Background(), pgserver.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.PID())
	select {}
}

func TestStartStopStart(t *testing.T) {
	t.Parallel()
	o := pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg"), Durable: true}

	s := start(t, o)
	exec1(t, s.URL(pgserver.Database, pgserver.OwnerRole), `create table evidence (id int); insert into evidence values (7)`)
	stop(t, s)
	if err := s.Err(); err != nil {
		t.Errorf("a stop that was asked for left the error %v", err)
	}

	s = start(t, o)
	defer stop(t, s)
	if got := query(t, s.URL(pgserver.Database, pgserver.OwnerRole), `select id from evidence`); got != "7" {
		t.Errorf("after a restart the row is %q, want 7", got)
	}
	if got := query(t, s.SuperuserURL("postgres"), `select current_setting('fsync') || ' ' || current_setting('TimeZone')`); got != "on UTC" {
		t.Errorf("a durable cluster runs with fsync and zone %q", got)
	}
	if strings.Contains(s.PsqlURL("kutse", "kutse_reader"), "binary_parameters") {
		t.Error("psql refuses parameters of lib/pq")
	}
}

func TestRolesMayDoOnlyTheirPart(t *testing.T) {
	t.Parallel()
	s := start(t, pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg")})
	defer stop(t, s)
	for _, role := range []string{pgserver.OwnerRole, pgserver.ServiceRole, pgserver.ReaderRole} {
		if err := try(s.URL(pgserver.Database, role), `create role other`); err == nil {
			t.Errorf("%s may create roles", role)
		}
		if err := try(s.URL(pgserver.Database, role), `create database other`); err == nil {
			t.Errorf("%s may create databases", role)
		}
	}
	for _, role := range []string{pgserver.ServiceRole, pgserver.ReaderRole} {
		if err := try(s.URL(pgserver.Database, role), `create table public.t ()`); err == nil {
			t.Errorf("%s may create tables", role)
		}
	}
}

func TestEstonianLettersFold(t *testing.T) {
	t.Parallel()
	s := start(t, pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg")})
	defer stop(t, s)
	got := query(t, s.URL(pgserver.Database, pgserver.OwnerRole), `select lower('ÕÄÜŠ') || ' ' || to_tsvector('simple', 'TÕENDID')::text`)
	if want := `õäüš 'tõendid':1`; got != want {
		t.Errorf("folded to %q, want %q", got, want)
	}
}

func TestSecondStartOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	o := pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg")}
	s := start(t, o)
	defer stop(t, s)
	_, err := pgserver.Start(t.Context(), o)
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: %v, want a conflict that names this process", err)
	}
}

func TestAnUnexpectedDeathIsReported(t *testing.T) {
	t.Parallel()
	o := pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg")}
	s := start(t, o)
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if s.Err() == nil {
		t.Error("the server died and nobody says so")
	}
	// Orphaned backends may hold the folder for a moment; the start waits for them.
	stop(t, start(t, o))
}

func TestAKilledSupervisorLeavesNoServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pg")
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
	old, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the supervisor said %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	s := start(t, pgserver.Options{Dir: dir})
	defer stop(t, s)
	if running(old) {
		t.Errorf("the server of the killed supervisor, process %d, still runs", old)
	}
}

func TestForeignFoldersAreLeftAlone(t *testing.T) {
	t.Parallel()
	t.Run("a cluster of another major version", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "PG_VERSION"), "13\n")
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir, Offline: true, Cache: t.TempDir()})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "PostgreSQL 13") || !strings.Contains(err.Error(), "other versions were found: ") {
			t.Errorf("got %v, want both versions named", err)
		}
	})
	t.Run("a folder with other files", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "thesis.txt"), "precious")
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v, want it refused", err)
		}
	})
	t.Run("a PG_BINDIR without PostgreSQL", func(t *testing.T) {
		t.Parallel()
		_, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(t.TempDir(), "pg"), Binaries: t.TempDir()})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "PG_BINDIR") {
			t.Errorf("got %v, want PG_BINDIR blamed", err)
		}
	})
}

// start runs a cluster with the caches of the machine, as the tests of others do.
func start(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	s, err := pgserver.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("PostgreSQL %s ready in %s", s.Version(), time.Since(began).Round(time.Millisecond))
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

func stop(t *testing.T, s *pgserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func try(url, stmt string) error {
	db, err := sql.Open("postgres", url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(stmt)
	return err
}

func exec1(t *testing.T, url, stmt string) {
	t.Helper()
	if err := try(url, stmt); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, url, q string) string {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var s string
	if err := db.QueryRow(q).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
