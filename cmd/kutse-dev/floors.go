package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// floor is what one part can do by itself here, with as many clients as the bench.
type floor struct {
	Rate float64 `json:"per_second"`
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
}

type floors struct {
	Commits   floor `json:"postgres_commit"`
	Requests  floor `json:"nats_request"`
	Workflows floor `json:"temporal_workflow"`
}

func measureFloors(ctx context.Context, s *local.System, clients int, long time.Duration, out *cli.Output) (f floors, err error) {
	for _, m := range []struct {
		name    string
		into    *floor
		measure func(context.Context, *local.System, int, time.Duration) (floor, error)
	}{
		{"bare PostgreSQL commits", &f.Commits, bareCommits},
		{"bare NATS requests", &f.Requests, bareRequests},
		{"bare workflows", &f.Workflows, bareWorkflows},
	} {
		if *m.into, err = m.measure(ctx, s, clients, long); err != nil {
			return f, fmt.Errorf("measuring %s: %w", m.name, err)
		}
		out.Tell("%s: %.0f/s", m.name, m.into.Rate)
	}
	return f, nil
}

// repeat lets clients do one thing again and again for a while.
func repeat(ctx context.Context, clients int, long time.Duration, do func(ctx context.Context, client int) error) (floor, error) {
	var took play.Latencies
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for n := range clients {
		group.Go(func() error {
			for time.Since(began) < long {
				one := time.Now()
				if err := do(ctx, n); err != nil {
					return err
				}
				took.Add(time.Since(one))
			}
			return nil
		})
	}
	err := group.Wait()
	l := spreadOf(&took)
	return floor{Rate: float64(l.Count) / time.Since(began).Seconds(), P50: l.P50, P99: l.P99}, err
}

// bareCommits inserts a kilobyte and commits.
func bareCommits(ctx context.Context, s *local.System, clients int, long time.Duration) (f floor, err error) {
	db, err := postgres.Connect(s.Postgres.Owner)
	if err != nil {
		return floor{}, err
	}
	defer db.Close()
	db.SetMaxIdleConns(clients)
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)"); err != nil {
		return floor{}, err
	}
	body := make([]byte, 1024)
	f, err = repeat(ctx, clients, long, func(ctx context.Context, _ int) error {
		_, err := db.ExecContext(ctx, "INSERT INTO bench_floor (body) VALUES ($1)", body)
		return err
	})
	if _, dropErr := db.ExecContext(context.WithoutCancel(ctx), "DROP TABLE bench_floor"); err == nil {
		err = dropErr
	}
	return f, err
}

// bareRequests asks an echo.
func bareRequests(ctx context.Context, s *local.System, clients int, long time.Duration) (floor, error) {
	echo, err := nats.Connect(s.NATS)
	if err != nil {
		return floor{}, err
	}
	defer echo.Close()
	if _, err := echo.Subscribe("bench.echo", func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
		return floor{}, err
	}
	if err := echo.Flush(); err != nil {
		return floor{}, err
	}
	conns := make([]*nats.Conn, clients)
	for i := range conns {
		if conns[i], err = nats.Connect(s.NATS); err != nil {
			return floor{}, err
		}
		defer conns[i].Close()
	}
	body := make([]byte, 1024)
	return repeat(ctx, clients, long, func(ctx context.Context, n int) error {
		_, err := conns[n].RequestWithContext(ctx, "bench.echo", body)
		return err
	})
}

func floorWorkflow(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	return workflow.ExecuteActivity(ctx, floorActivity).Get(ctx, nil)
}

func floorActivity(context.Context) error { return nil }

// bareWorkflows runs a workflow with one activity that does nothing.
func bareWorkflows(ctx context.Context, s *local.System, clients int, long time.Duration) (floor, error) {
	const queue = "bench-floor"
	temporal := s.System.Temporal
	w := worker.New(temporal, queue, worker.Options{})
	w.RegisterWorkflow(floorWorkflow)
	w.RegisterActivity(floorActivity)
	if err := w.Start(); err != nil {
		return floor{}, err
	}
	defer w.Stop()
	return repeat(ctx, clients, long, func(ctx context.Context, _ int) error {
		run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "floor/" + uuid.NewString(), TaskQueue: queue}, floorWorkflow)
		if err != nil {
			return err
		}
		return run.Get(ctx, nil)
	})
}
