// Package migrations holds the data model as forward-only steps, and applies
// them. A step that has been released is never edited; what changes, changes in
// a new step.
package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/kutse-dev/kutse/schema/fault"
)

//go:embed *.sql
var files embed.FS

// Schema is the PostgreSQL schema that everything lives in.
const Schema = "kutse"

// Roles creates the three roles where they are missing; a superuser runs it once
// per cluster. kutse_owner owns everything and migrates, kutse_service is what the
// services log in as, kutse_reader reads what is not sealed.
//
//go:embed roles/roles.sql
var Roles string

// createSchema takes a lock: IF NOT EXISTS alone fails when two processes come at
// once, since neither sees the other's schema yet.
const createSchema = `DO $$ BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('kutse.create_schema'));
  CREATE SCHEMA IF NOT EXISTS ` + Schema + `;
END $$`

// Applied is one step that was applied.
type Applied struct {
	Version int64  `json:"version"`
	File    string `json:"file"`
}

// Up applies what is missing and returns it. db is a connection as kutse_owner
// with kutse as its search path. Several processes may call it at once and again:
// the session lock lets one of them work and the others find nothing to do.
func Up(ctx context.Context, db *sql.DB) ([]Applied, error) {
	if _, err := db.ExecContext(ctx, createSchema); err != nil {
		return nil, fmt.Errorf("creating schema %s: %w", Schema, err)
	}
	provider, err := Provider(db)
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrating: %w", explain(err))
	}
	var applied []Applied
	for _, r := range results {
		applied = append(applied, Applied{Version: r.Source.Version, File: r.Source.Path})
	}
	return applied, nil
}

// explain turns what a step itself raised, in words for whoever migrates, into a
// Conflict. The step has changed nothing.
func explain(err error) error {
	const raised = "P0001"
	var refused interface {
		error
		SQLState() string
	}
	if !errors.As(err, &refused) || refused.SQLState() != raised {
		return err
	}
	words := strings.TrimSuffix(strings.TrimPrefix(refused.Error(), "pq: "), " ("+raised+")")
	return fault.Conflict.Because(err, "%s", words)
}

// How long a process waits for another one's migration: it looks each second,
// for five minutes.
const (
	lockRetry = 1 // seconds
	lockTries = 300
)

// Provider gives access to single steps, for tests of the way down.
func Provider(db *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockRetry, lockTries))
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("reading migrations: %w", err)
	}
	return provider, nil
}

// Digest names the whole set of steps, for caches of migrated databases.
func Digest() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %d\n", path, len(text))
		h.Write(text)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}
