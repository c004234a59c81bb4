package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/schema/fault"
)

// where says where the servers keep their state and listen.
type where struct {
	Data      string     `help:"Data folder; by default one in the user's data folder." type:"path" placeholder:"DIR"`
	Ephemeral bool       `help:"Use a folder that is removed at the end."`
	Database  string     `help:"A PostgreSQL that runs already, as a superuser; none is started. Everything logs in as that one, so facts are guarded by triggers alone." env:"KUTSE_DEV_DATABASE" placeholder:"URL"`
	Offline   bool       `help:"Never fetch PostgreSQL." env:"KUTSE_OFFLINE"`
	Log       slog.Level `help:"What the services log: debug, info, warn or error." default:"warn"`
}

// stopWithin is how long a stop may take before what is left is killed.
const stopWithin = 30 * time.Second

// start starts everything, telling what became ready.
func (w where) start(ctx context.Context, out *cli.Output, ports dev.Options) (*local.System, error) {
	log := slog.New(slog.NewTextHandler(out.Talk(), &slog.HandlerOptions{Level: w.Log}))
	return local.Start(ctx, dev.Options{
		Data: w.Data, Ephemeral: w.Ephemeral, DatabaseURL: w.Database, Offline: w.Offline, Logger: log,
		NATSPort: ports.NATSPort, TemporalPort: ports.TemporalPort,
		Progress: func(stage string, took time.Duration) {
			if took == 0 {
				out.Tell("%10s  %s …", "", stage)
				return
			}
			out.Tell("%10s  %s", took.Round(time.Millisecond), stage)
		},
	})
}

// watch is ctx, ended with what failed when a server or a role ends by itself:
// whoever waits for an answer would otherwise wait for ever.
func watch(ctx context.Context, s *local.System) (context.Context, context.CancelFunc) {
	watched, cancel := context.WithCancelCause(ctx)
	go func() {
		if err := s.Wait(watched); err != nil {
			cancel(err)
		}
	}()
	return watched, func() { cancel(nil) }
}

// end stops everything, also when ctx has ended, and adds what went wrong to err.
func end(ctx context.Context, s *local.System, err *error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	*err = errors.Join(*err, s.Stop(ctx))
}

type upCmd struct {
	where
	NATSPort     int `name:"nats-port" help:"Port of NATS; 0 for a free one." default:"4222"`
	TemporalPort int `help:"Port of Temporal; 0 for a free one." default:"7233"`
}

// Help gives an example.
func (upCmd) Help() string {
	return `Keeps its state in one folder and goes on where it stood at the next start.

Example:
  kutse-dev
  kutse-dev --data /tmp/kutse --nats-port 0 --temporal-port 0`
}

// Run starts everything and stays up until Ctrl-C.
func (c *upCmd) Run(ctx context.Context, out *cli.Output) (err error) {
	s, err := c.start(ctx, out, dev.Options{NATSPort: c.NATSPort, TemporalPort: c.TemporalPort})
	if err != nil {
		if ctx.Err() != nil {
			return fault.Unavailable.Because(err, "stopped before everything was up")
		}
		return err
	}
	defer end(ctx, s, &err)
	if err := out.Value(s.Addresses, func(w io.Writer) error { return addresses(w, s.Addresses) }); err != nil {
		return err
	}
	return s.Wait(ctx)
}

func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "as given"
	}
	return u.Redacted()
}

func addresses(w io.Writer, a dev.Addresses) error {
	psql := a.Postgres.Psql
	if psql == "" { // one that was given, perhaps with a password
		psql = redacted(a.Postgres.Reader)
	}
	_, err := fmt.Fprintf(w, `kutse is up. Its people: c1 applies, a1 a2 a3 assess, k1 k2 k3 decide, n1 audits, op operates.

  NATS        %s
  Temporal    %s, namespace %s
  PostgreSQL  %s
  data        %s
  log         %s, checked by: kutse audit verify %s

Try:  kutse candidate open it-manager-7 --as c1
Stop: Ctrl-C
`, a.NATS, a.Temporal.Address, a.Temporal.Namespace, psql, a.Data, local.PublishedLog(a), local.PublishedLog(a))
	return err
}
