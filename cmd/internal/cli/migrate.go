package cli

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/cmd/internal/wire"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// MigrateCmd is `kutse migrate`.
type MigrateCmd struct {
	config.Database `embed:""`
	config.Keys     `embed:""`
	Roles           string    `placeholder:"URL" help:"Address of the same database as a superuser: makes the database roles first."`
	Operator        person.ID `placeholder:"UID" and:"operator" help:"Make this person the first operator, where there is none."`
	Name            string    `placeholder:"NAME" and:"operator" help:"Name of the first operator."`
}

// Help implements kong.HelpProvider.
func (MigrateCmd) Help() string {
	return `Connects as kutse_owner, who owns the tables; the services connect as kutse_service. Harmless twice.

Example:
  kutse migrate --database postgres://kutse_owner@db/kutse \
    --kek file:/etc/kutse/kek.json \
    --roles postgres://postgres@db/kutse --operator op-5e17 --name "Ott Kask"`
}

// Run migrates and prints the steps that were applied.
func (c *MigrateCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	url, err := c.URL()
	if err != nil {
		return err
	}
	if c.Roles != "" {
		if err := wire.MakeRoles(ctx, c.Roles); err != nil {
			return err
		}
		out.Tell("the roles kutse_owner, kutse_service and kutse_reader are there")
	}
	applied, err := wire.Migrate(ctx, url)
	if err != nil {
		return err
	}
	if c.Operator != "" {
		if err := c.firstOperator(ctx, g, out, url); err != nil {
			return err
		}
	}
	var rows [][]string
	for _, a := range applied {
		rows = append(rows, []string{strconv.FormatInt(a.Version, 10), a.File})
	}
	if applied == nil {
		applied = []migrations.Applied{}
	}
	return out.Table(applied, []string{"VERSION", "APPLIED"}, rows, "The database is up to date.")
}

// firstOperator makes the person who may load everything else.
func (c *MigrateCmd) firstOperator(ctx context.Context, g *Globals, out *Output, url string) (err error) {
	if c.KEK == "" {
		return fault.Invalid.New("the first operator's name is sealed: make a key with `kutse keys create PATH`, then --kek file:PATH")
	}
	key, err := kek.Open(c.KEK)
	if err != nil {
		return err
	}
	record, err := postgres.Open(ctx, url, postgres.Options{KEK: key, Now: time.Now, Log: newLog(io.Discard, g.Verbose)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	if err := record.EnsurePartitions(ctx); err != nil {
		return err
	}
	if err := record.FirstOperator(ctx, c.Operator, c.Name); err != nil {
		return err
	}
	out.Tell("there is an operator; %s, if there was none before", c.Operator)
	return nil
}
