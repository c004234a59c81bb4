package pgserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// createRoles makes the roles and the database that are missing. It runs at
// every start: a first start may have died between two of them.
func (s *Server) createRoles(ctx context.Context) (err error) {
	db, err := sql.Open("postgres", s.SuperuserURL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, role := range []string{OwnerRole, ServiceRole, ReaderRole} {
		if err := createRole(ctx, db, role); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	var exists bool
	err = db.QueryRowContext(ctx, `select exists (select from pg_database where datname = $1)`, Database).Scan(&exists)
	if err != nil {
		return fmt.Errorf("database %s: %w", Database, err)
	}
	if !exists {
		if _, err := db.ExecContext(ctx, `create database `+Database+` owner `+OwnerRole); err != nil {
			return fmt.Errorf("database %s: %w", Database, err)
		}
	}
	return RestrictDatabase(ctx, db, Database)
}

func createRole(ctx context.Context, db *sql.DB, role string) error {
	var exists bool
	err := db.QueryRowContext(ctx, `select exists (select from pg_roles where rolname = $1)`, role).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = db.ExecContext(ctx, `create role `+pq.QuoteIdentifier(role)+
		` login nosuperuser nocreatedb nocreaterole noreplication nobypassrls`)
	return err
}

// RestrictDatabase lets only our roles connect to a database. Migrations may
// give more; this is what a database has before them.
func RestrictDatabase(ctx context.Context, db *sql.DB, name string) error {
	id := pq.QuoteIdentifier(name)
	roles := strings.Join([]string{OwnerRole, ServiceRole, ReaderRole}, ", ")
	_, err := db.ExecContext(ctx, `revoke all on database `+id+` from public; grant connect on database `+id+` to `+roles)
	if err != nil {
		return fmt.Errorf("restricting database %s: %w", name, err)
	}
	return nil
}
