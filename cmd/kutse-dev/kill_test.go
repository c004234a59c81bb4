package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// asProgram makes this test binary behave as kutse-dev, so that a test can kill it.
const asProgram = "KUTSE_DEV_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// program is a kutse-dev that runs beside the test.
type program struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	at   dev.Addresses
}

func startProgram(t *testing.T) *program {
	t.Helper()
	p := &program{t: t, args: []string{
		"--json", "--data", filepath.Join(t.TempDir(), "data"),
		"--nats-port", freePort(t), "--temporal-port", freePort(t),
	}}
	p.start()
	t.Cleanup(func() { _ = p.stop(syscall.SIGKILL) })
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start returns when the program has said where it is.
func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...) //nolint:gosec // this very binary
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&p.at); err != nil {
		p.t.Fatalf("kutse-dev did not come up: %v, %v", err, p.cmd.Wait())
	}
}

func (p *program) stop(sig syscall.Signal) error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// killAndStart kills the program as a power cut would, without a word, and starts
// it again on the same folder.
func (p *program) killAndStart() {
	p.t.Helper()
	began := time.Now()
	_ = p.stop(syscall.SIGKILL)
	p.start()
	p.t.Logf("killed and up again in %v", time.Since(began).Round(time.Millisecond))
}

// The whole process is killed five times in the middle of the work: evidence half
// in, a task claimed, verdicts half given, a decision pending, a decision just
// made. The case finishes, and the record and the stream have each fact once.
func TestKilledInTheMiddleTheCaseFinishesWithEachFactOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	p := startProgram(t)
	std, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		t.Fatal(err)
	}
	cand, member := dial(t, p, play.Candidate), dial(t, p, play.Member)
	c, err := play.Open(ctx, cand, std, nil)
	if err != nil {
		t.Fatal(err)
	}
	submissions := submitThroughAKill(ctx, t, p, c)
	if err := c.HandIn(ctx, play.Slots(std)...); err != nil {
		t.Fatal(err)
	}
	claimThroughAKill(ctx, t, p)
	judgeThroughAKill(ctx, t, p, c)

	p.killAndStart() // a decision is pending
	if _, err := play.Decide(ctx, member, c.App, award.Award); err != nil {
		t.Fatal(err)
	}
	p.killAndStart() // the decision is acknowledged, perhaps not yet acted on
	end, err := c.Await(ctx, func(c request.Case) bool { return c.State.Ended() })
	if err != nil {
		t.Fatal(err)
	}
	if end.State != application.Registered || end.Entry == nil || end.Entry.Number != "1-000001" {
		t.Errorf("the case ended as %s with entry %+v, want registered as 1-000001", end.State, end.Entry)
	}
	checkRecord(ctx, t, p, end, submissions)
	if err := p.stop(syscall.SIGINT); err != nil {
		t.Errorf("Ctrl-C: %v, want exit code 0", err)
	}
	if _, err := os.Stat(filepath.Join(p.at.Data, "pg", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("PostgreSQL was left running: %v", err)
	}
}

func dial(t *testing.T, p *program, id person.ID) *client.Client {
	t.Helper()
	c, err := client.Dial(p.at.NATS, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// submitThroughAKill submits for every indicator; in the middle the program is
// killed while the candidate goes on.
func submitThroughAKill(ctx context.Context, t *testing.T, p *program, c *play.Case) (n int) {
	t.Helper()
	var killing sync.WaitGroup
	for _, comp := range c.Standard.Competences() {
		for _, id := range comp.Assessable() {
			if n == 27 {
				killing.Go(p.killAndStart)
			}
			if err := c.SupportOne(ctx, id); err != nil {
				t.Fatalf("submission %d: %v", n, err)
			}
			n++
		}
	}
	killing.Wait()
	return n
}

func claimThroughAKill(ctx context.Context, t *testing.T, p *program) {
	t.Helper()
	a := &play.Assessor{Client: dial(t, p, "a3")}
	for {
		if _, err := a.Claim(ctx, ""); err == nil {
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	p.killAndStart()
	if err := a.Resume(ctx); err != nil {
		t.Fatalf("judging what was claimed before: %v", err)
	}
}

func judgeThroughAKill(ctx context.Context, t *testing.T, p *program, c *play.Case) {
	t.Helper()
	working, stop := context.WithCancel(ctx)
	defer stop()
	var people, killing sync.WaitGroup
	var once sync.Once
	var mu sync.Mutex
	judged := 0
	for _, id := range play.Assessors() {
		a := &play.Assessor{Client: dial(t, p, id), Judged: func(time.Duration, time.Duration, int) {
			mu.Lock()
			defer mu.Unlock()
			if judged++; judged == 6 {
				once.Do(func() { killing.Go(p.killAndStart) })
			}
		}}
		people.Go(func() {
			for working.Err() == nil {
				if err := a.Resume(working); err == nil {
					_ = a.Work(working)
				}
			}
		})
	}
	if _, err := c.Await(ctx, func(c request.Case) bool { return c.State == application.Proposed }); err != nil {
		t.Fatal(err)
	}
	stop()
	people.Wait()
	killing.Wait()
}

func checkRecord(ctx context.Context, t *testing.T, p *program, end request.Case, submissions int) {
	t.Helper()
	council := dial(t, p, play.Auditor)
	stats, err := settled(ctx, council)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Submissions != submissions || stats.Decisions != 1 || stats.Entries != 1 || stats.Unpublished != 0 {
		t.Errorf("the record holds %+v, want %d submissions, 1 decision, 1 entry, nothing unpublished", stats, submissions)
	}
	rows, err := trail(ctx, council, end.Application)
	if err != nil {
		t.Fatal(err)
	}
	acts := map[string]int{}
	for _, r := range rows {
		acts[r.Act]++
	}
	slots := len(play.Slots(mustStandard(t, end.Standard)))
	for act, want := range map[string]int{
		"application.open": 1, "evidence.submit": submissions, "competence.hand-in": 1, "verdict.give": slots,
		"award.propose": 1, "decision.make": 1, "register.enter": 1,
	} {
		if acts[act] != want {
			t.Errorf("%d audit rows say %s, want %d", acts[act], act, want)
		}
	}
	checkFindings(ctx, t, p)
	checkStream(ctx, t, p, end)
}

// checkFindings holds the record to one rule more: what was judged was weighed.
func checkFindings(ctx context.Context, t *testing.T, p *program) {
	t.Helper()
	db, err := postgres.Connect(p.at.Postgres.Reader)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var closed, unweighed int
	err = db.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM finding f WHERE f.round = c.round))
  FROM round_closed c`).Scan(&closed, &unweighed)
	if err != nil || closed == 0 || unweighed != 0 {
		t.Errorf("of %d closed rounds %d have no finding (%v), want none", closed, unweighed, err)
	}
}

func mustStandard(t *testing.T, key string) *catalogue.Standard {
	t.Helper()
	std, err := catalogue.ByKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return std
}

// checkStream holds JetStream to the application's sequence: each place once, in
// order, up to the last.
func checkStream(ctx context.Context, t *testing.T, p *program, end request.Case) {
	t.Helper()
	conn, err := nats.Connect(p.at.NATS)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.OrderedConsumer(ctx, events.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"evt.v1.cand.*." + string(end.Application) + ".>"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for want := 1; want <= end.Position; want++ {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			t.Fatalf("fact %d of %d: %v", want, end.Position, err)
		}
		env, _, err := events.Open(msg.Data())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%010d", want); env.Sequence != got {
			t.Fatalf("the stream has %s at place %s, want place %s", env.Type, env.Sequence, got)
		}
		if meta, err := msg.Metadata(); err == nil && want == end.Position && meta.NumPending != 0 {
			t.Errorf("%d more facts follow the last of the application", meta.NumPending)
		}
	}
}

func TestASecondStartOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	second := exec.Command(os.Args[0], "--data", p.at.Data, "--nats-port", "0", "--temporal-port", "0") //nolint:gosec // this very binary
	second.Env = append(os.Environ(), asProgram+"=1")
	text, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != 5 {
		t.Errorf("exit code %d (%v), want 5 for a conflict; it said:\n%s", second.ProcessState.ExitCode(), err, text)
	}
}
