package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/wire"
)

// ServeCmd is `kutse serve`. NATS is where --nats says.
type ServeCmd struct {
	config.Serve `embed:""`
}

// Help implements kong.HelpProvider.
func (ServeCmd) Help() string {
	return `Answers at the door, publishes facts, seals them in the log, tells workflows and runs them, until SIGINT or SIGTERM; then it finishes what it has begun. The log goes to standard error, as JSON unless somebody watches.

Example:
  kutse serve --database-file /run/secrets/kutse-database \
    --nats nats://nats:4222 --temporal temporal:7233 --blobs /srv/blobs \
    --kek file:/run/secrets/kek.json --log-keys /srv/keys/log`
}

// Run runs the services until ctx ends.
func (c *ServeCmd) Run(ctx context.Context, g *Globals, out *Output) (err error) {
	cfg := c.Serve
	cfg.NATS.NATS = g.NATSAddress()
	log := newLog(out.Stderr, g.Verbose)
	s, err := wire.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var unready error
	err = s.Run(ctx, func() { unready = sayReady(out, cfg) })
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // it was told to stop, and did
	}
	return errors.Join(err, unready)
}

func sayReady(out *Output, cfg config.Serve) error {
	roles := cfg.Roles
	if len(roles) == 0 {
		roles = config.Roles()
	}
	return out.Line(map[string]any{"ready": true, "roles": roles}, fmt.Sprintf("kutse is ready: %v", roles))
}

// newLog writes for a person who watches, else for a machine.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		options.Level = slog.LevelDebug
	}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// ReconcileCmd is `kutse reconcile`.
type ReconcileCmd struct {
	config.Database `embed:""`
	config.Temporal `embed:""`
	Grace           time.Duration `default:"1m" help:"Facts younger than this are left to the relay."`
}

// Help implements kong.HelpProvider.
func (ReconcileCmd) Help() string {
	return `Puts facts that never reached NATS back on their way, and has each case that has not ended look up what the record waits for. Harmless beside running services, and twice.

Example:
  kutse reconcile --database-file /run/secrets/kutse-database \
    --nats nats://nats:4222 --temporal temporal:7233`
}

// Run reconciles and prints what was found.
func (c *ReconcileCmd) Run(ctx context.Context, g *Globals, out *Output) (err error) {
	s, err := wire.Open(ctx, c.config(g.NATSAddress()), newLog(out.Stderr, g.Verbose))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	found, err := s.Reconcile(ctx, c.Grace)
	if err != nil {
		return err
	}
	return out.Value(found, func(w io.Writer) error {
		return columns(w, [][]string{
			{"facts", fmt.Sprint(found.Facts)},
			{"missing in NATS, published again", fmt.Sprint(found.Missing)},
			{"cases that have not ended", fmt.Sprint(found.Cases)},
			{"told to look at the record", fmt.Sprint(found.Told)},
		})
	})
}

// config is what opens the connections; it runs no role, so the limits are any.
func (c *ReconcileCmd) config(nats string) config.Serve {
	return config.Serve{
		Roles: []config.Role{config.Relay}, Database: c.Database, Temporal: c.Temporal, NATS: config.NATS{NATS: nats},
		Limits: config.Limits{MaxText: 1, MaxFile: 1, MaxIndicators: 1, MaxUploads: 1},
		Pool:   4, Sweep: time.Second, StopAfter: time.Second,
	}
}
