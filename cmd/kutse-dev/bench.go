package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

type benchCmd struct {
	Applications int           `help:"Applications to play." default:"20"`
	Clients      int           `help:"Candidates at a time, and as many desks of assessors." default:"8"`
	Standard     string        `help:"Key of the standard to play." default:"it-manager-7" placeholder:"KEY"`
	Floor        time.Duration `help:"How long each floor is measured." default:"3s"`
	Data         string        `help:"Keep the state in this folder; by default it is removed at the end." type:"path" placeholder:"DIR"`
	Offline      bool          `help:"Never fetch PostgreSQL." env:"KUTSE_OFFLINE"`
}

// Help gives an example.
func (benchCmd) Help() string {
	return `Plays whole applications side by side through the door, with simulated
assessors, and in the same run measures the floors: what bare PostgreSQL, NATS
and Temporal do on this machine. Machines differ; the ratios say more.

Example:
  kutse-dev bench --applications 100 --clients 16`
}

// spread is how long the requests of one kind took, in milliseconds.
type spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
}

func spreadOf(l *play.Latencies) spread {
	ms := func(p int) float64 { return float64(l.Percentile(p)) / float64(time.Millisecond) }
	return spread{Count: l.Count(), P50: ms(50), P90: ms(90), P99: ms(99)}
}

// benchResult is what the bench prints with --json. Rates are per second.
type benchResult struct {
	Standard     string            `json:"standard"`
	Applications int               `json:"applications"`
	Clients      int               `json:"clients"`
	Seconds      float64           `json:"seconds"`
	Awards       float64           `json:"awards_per_second"`
	Verdicts     float64           `json:"verdicts_per_second"`
	Submissions  float64           `json:"submissions_per_second"`
	Latency      map[string]spread `json:"latency"`
	Processor    float64           `json:"processor_seconds_per_award"` // kutse, NATS, Temporal and the people played
	Postgres     float64           `json:"postgres_seconds_per_award"`
	Floors       floors            `json:"floors"`
	Ratios       ratios            `json:"ratios"`
}

// ratios set what kutse did against what its parts can do here.
type ratios struct {
	ActsPerCommit       float64 `json:"acts_per_bare_commit"`       // acts a second, over bare commits a second
	ActsPerRequest      float64 `json:"acts_per_bare_request"`      // acts a second, over bare NATS requests a second
	AwardsPerWorkflow   float64 `json:"awards_per_bare_workflow"`   // awards a second, over bare workflows with one activity a second
	SubmitOverCommitP50 float64 `json:"submit_p50_over_commit_p50"` // a submission's latency, over a bare commit's
}

// Run measures.
func (c *benchCmd) Run(ctx context.Context, out *cli.Output) (err error) {
	if c.Applications < 1 || c.Clients < 1 || c.Floor <= 0 {
		return fault.Invalid.New("--applications, --clients and --floor are at least 1")
	}
	std, err := catalogue.ByKey(c.Standard)
	if err != nil {
		return err
	}
	// An ephemeral folder is fast because it may lose everything; what is measured
	// here keeps what it acknowledged.
	data := c.Data
	if data == "" {
		if data, err = os.MkdirTemp("", "kutse-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	}
	s, err := where{Data: data, Offline: c.Offline, Log: slog.LevelWarn}.start(ctx, out, dev.Options{})
	if err != nil {
		return err
	}
	defer end(ctx, s, &err)
	watched, stop := watch(ctx, s)
	defer stop()
	floors, err := measureFloors(watched, s, c.Clients, c.Floor, out)
	if err != nil {
		return whatEnded(watched, err)
	}
	result, err := c.play(watched, s, std, floors, out)
	if err != nil {
		return whatEnded(watched, err)
	}
	return out.Value(result, func(w io.Writer) error { return result.text(w) })
}

func (c *benchCmd) play(ctx context.Context, s *local.System, std *catalogue.Standard, f floors, out *cli.Output) (benchResult, error) {
	process, postgres := processTime(), postgresTime(s.Data)
	tenth := max(c.Applications/10, 1)
	many, err := play.SideBySide(ctx, s.NATS, std, c.Applications, c.Clients, func(done int) {
		if done%tenth == 0 {
			out.Tell("%d of %d awarded", done, c.Applications)
		}
	})
	if err != nil {
		return benchResult{}, err
	}
	seconds, n := many.Took.Seconds(), float64(c.Applications)
	r := benchResult{
		Standard: std.Name(), Applications: c.Applications, Clients: c.Clients, Seconds: seconds,
		Awards: n / seconds, Verdicts: float64(many.Verdicts) / seconds, Submissions: float64(many.Submit.Count()) / seconds,
		Latency: map[string]spread{
			"submit": spreadOf(&many.Submit), "claim": spreadOf(&many.Claim), "judge": spreadOf(&many.Judge),
			"decide": spreadOf(&many.Decide), "application": spreadOf(&many.Whole),
		},
		Processor: (processTime() - process).Seconds() / n, Postgres: (postgresTime(s.Data) - postgres).Seconds() / n,
		Floors: f,
	}
	// An application's acts: its opening, hand-in and decision, each submission, and
	// a claim and a judgement for each task.
	acts := (3*n + float64(many.Submit.Count()+2*many.Judge.Count())) / seconds
	r.Ratios = ratios{
		ActsPerCommit: acts / f.Commits.Rate, ActsPerRequest: acts / f.Requests.Rate,
		AwardsPerWorkflow:   r.Awards / f.Workflows.Rate,
		SubmitOverCommitP50: r.Latency["submit"].P50 / f.Commits.P50,
	}
	return r, nil
}

func (r benchResult) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d applications for %s, %d at a time, in %.1f s\n", r.Applications, r.Standard, r.Clients, r.Seconds)
	fmt.Fprintf(t, "  awards\t%.2f/s\n  verdicts\t%.0f/s\n  submissions\t%.0f/s\n", r.Awards, r.Verdicts, r.Submissions)
	fmt.Fprintf(t, "  processor per award\t%.2f s, and %.2f s in PostgreSQL\n", r.Processor, r.Postgres)
	fmt.Fprintf(t, "\nlatency\tcount\tp50\tp90\tp99\n")
	for _, name := range []string{"submit", "claim", "judge", "decide", "application"} {
		l := r.Latency[name]
		fmt.Fprintf(t, "  %s\t%d\t%.1f ms\t%.1f ms\t%.1f ms\n", name, l.Count, l.P50, l.P90, l.P99)
	}
	fmt.Fprintf(t, "\nfloors in this run\trate\tp50\tp99\n")
	for _, f := range []struct {
		name string
		floor
	}{{"bare PostgreSQL commit", r.Floors.Commits}, {"bare NATS request", r.Floors.Requests}, {"bare workflow, one activity", r.Floors.Workflows}} {
		fmt.Fprintf(t, "  %s\t%.0f/s\t%.1f ms\t%.1f ms\n", f.name, f.Rate, f.P50, f.P99)
	}
	fmt.Fprintf(t, "\nratios\n  acts over bare commits\t%.3f\n  acts over bare requests\t%.4f\n  awards over bare workflows\t%.3f\n  submit p50 over commit p50\t%.1f\n",
		r.Ratios.ActsPerCommit, r.Ratios.ActsPerRequest, r.Ratios.AwardsPerWorkflow, r.Ratios.SubmitOverCommitP50)
	return t.Flush()
}
