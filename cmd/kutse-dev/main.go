// Command kutse-dev is kutse with all that it stands on: it starts PostgreSQL,
// NATS and Temporal on this machine and runs every role on them. With `demo` it
// plays one application to the award and goes.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
)

const description = "The whole of kutse on one machine: servers, services and the commands to use them."

// grammar is kutse's own, and what only a program with the servers in it can do.
type grammar struct {
	cli.Globals
	Up    upCmd    `cmd:"" default:"withargs" group:"system" help:"Start everything and stay up (the default)."`
	Demo  demoCmd  `cmd:"" group:"system" help:"Play one application from evidence to the register."`
	Bench benchCmd `cmd:"" group:"system" help:"Play many applications side by side and measure."`
	cli.Commands
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal kills
	return cli.Run(ctx, "kutse-dev", description, &grammar{}, args, stdout, stderr)
}
