// Package natsserver runs a NATS server with JetStream in this process.
//
// It listens on the loopback interface only, and whoever reaches that is
// trusted. The configuration is the text a stand-alone server would read, so
// that accounts can come into it the way they stand on a cluster.
package natsserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/deploy/dev/internal/filelock"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Options says where the server keeps its streams and how.
type Options struct {
	Dir     string // data folder; made when missing
	Port    int    // on the loopback interface; 0: one that is free
	Durable bool   // an acknowledged message is on disk; false is for tests
	MaxFile int64  // bytes all streams may take on disk; 0: 20 GB
	Logger  *slog.Logger
}

// Server is a running server.
type Server struct {
	nats *server.Server
	lock *filelock.Lock
	log  *logger
	done chan struct{}
}

// maxFile is explicit because the server's own default is a share of the disk.
const maxFile = 20 << 30

// patience is how long a start may take: half a million messages take half a second.
const patience = 30 * time.Second

// Start runs a server on o.Dir and returns when it takes connections.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("a NATS server needs a folder")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxFile == 0 {
		o.MaxFile = maxFile
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, log: newLogger(o.Logger), done: make(chan struct{})}
	if err := s.start(ctx, o); err != nil {
		lock.Release()
		return nil, err
	}
	go s.watch()
	return s, nil
}

// lockDir keeps a second server off the folder. NATS itself does not: two
// servers on one folder give the same sequence to different messages.
func lockDir(dir string) (*filelock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of NATS: %w", err)
	}
	lock, err := filelock.Acquire(filepath.Join(dir, "lock"))
	if held := (*filelock.Held)(nil); errors.As(err, &held) {
		return nil, fault.Conflict.Because(err, "the NATS folder %s is already used by process %d", dir, held.PID)
	}
	return lock, err
}

func (s *Server) start(ctx context.Context, o Options) error {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(configText(o)); err != nil {
		return fmt.Errorf("reading our own NATS configuration: %w", err)
	}
	opts.NoSigs = true // or NATS takes Ctrl-C from us
	opts.NoLog = true
	ns, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("configuring NATS: %w", err)
	}
	ns.SetLoggerV2(s.log, false, false, false)
	s.nats = ns
	go ns.Start()
	if err := s.awaitReady(ctx, o.Port); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return err
	}
	return nil
}

// configText is the configuration as a stand-alone server would read it.
// Accounts and users will go here, and nowhere else.
func configText(o Options) string {
	port, sync := o.Port, "2m"
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if o.Durable {
		// The default acknowledges before anything is on disk: a power cut then
		// takes minutes of messages, and new streams whole.
		sync = "always"
	}
	return strings.Join([]string{
		"server_name: kutse-dev",
		"host: 127.0.0.1",
		fmt.Sprintf("port: %d", port),
		"max_payload: 1MB",
		"max_connections: 1000",
		"max_subscriptions: 1000", // per connection
		"write_deadline: 10s",
		"jetstream {",
		fmt.Sprintf("  store_dir: %q", o.Dir),
		"  sync_interval: \"" + sync + "\"",
		"  max_mem: 64MB",
		fmt.Sprintf("  max_file: %d", o.MaxFile),
		"}",
	}, "\n")
}

// awaitReady also listens to the log: a start that fails returns no error, and
// the reason is in the log only.
func (s *Server) awaitReady(ctx context.Context, port int) error {
	ready := make(chan bool, 1)
	go func() { ready <- s.nats.ReadyForConnections(patience) }()
	select {
	case reason := <-s.log.fatal:
		return fault.Unavailable.New("NATS did not start%s: %s", onPort(port), reason)
	case <-ctx.Done():
		return fmt.Errorf("waiting for NATS: %w", context.Cause(ctx))
	case ok := <-ready:
		if ok && s.nats.JetStreamEnabled() {
			return nil
		}
		return fault.Unavailable.New("NATS did not start%s: %s", onPort(port), s.log.last())
	}
}

func onPort(port int) string {
	if port == 0 {
		return ""
	}
	return fmt.Sprintf(" on port %d", port)
}

func (s *Server) watch() {
	s.nats.WaitForShutdown()
	s.lock.Release()
	close(s.done)
}

// URL is where clients connect.
func (s *Server) URL() string { return s.nats.ClientURL() }

// InProcess connects a client of this process without the network:
//
//	nats.Connect("", s.InProcess())
func (s *Server) InProcess() nats.Option { return nats.InProcessServer(s.nats) }

// Done is closed when the server has ended, asked to or not.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is the last thing the server complained about before it ended on its own.
func (s *Server) Err() error {
	if reason := s.log.last(); reason != "" {
		return errors.New("nats: " + reason)
	}
	return nil
}

// Stop ends the server. Clients should have drained before. Stopping twice is
// harmless.
func (s *Server) Stop(ctx context.Context) error {
	go s.nats.Shutdown()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping NATS: %w", context.Cause(ctx))
	}
}
