// Command kutse is the command line of kutse, and its services. It starts no
// database and no server of another kind: kutse-dev does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal kills
	return cli.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
