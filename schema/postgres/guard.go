package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// guard stands between database/sql and lib/pq v1.12.3. Two of its habits would
// hurt the record (reference/postgres.md 2):
//
//   - a connection whose socket dropped in the middle of an error goes back to the
//     pool and fails for ever with "already a query being processed" (lib/pq#1450);
//   - a cancelled query does not match context.DeadlineExceeded.
type guard struct{ driver.Connector }

// pqConn is all that database/sql uses of a lib/pq connection. A release that
// drops one of these fails in Connect, not somewhere in the night.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.QueryerContext
	driver.ExecerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// Connect implements driver.Connector.
func (g *guard) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := g.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := c.(pqConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("lib/pq's %T lacks an interface that the guard needs", c), c.Close())
	}
	return &guarded{pqConn: inner}, nil
}

type guarded struct {
	pqConn
	bad bool
}

// IsValid implements driver.Validator: a poisoned connection leaves the pool.
func (c *guarded) IsValid() bool { return !c.bad && c.pqConn.IsValid() }

// QueryContext implements driver.QueryerContext.
func (c *guarded) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.pqConn.QueryContext(ctx, q, args)
	return rows, c.mend(ctx, err)
}

// ExecContext implements driver.ExecerContext.
func (c *guarded) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.pqConn.ExecContext(ctx, q, args)
	return res, c.mend(ctx, err)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *guarded) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	st, err := c.pqConn.PrepareContext(ctx, q)
	if err != nil {
		return nil, c.mend(ctx, err)
	}
	inner, ok := st.(pqStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("lib/pq's %T lacks an interface that the guard needs", st), st.Close())
	}
	return &guardedStmt{inner, c}, nil
}

// pqStmt is all that database/sql uses of a lib/pq statement.
type pqStmt interface {
	driver.Stmt
	driver.StmtQueryContext
	driver.StmtExecContext
}

type guardedStmt struct {
	pqStmt
	conn *guarded
}

// QueryContext implements driver.StmtQueryContext.
func (s *guardedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.pqStmt.QueryContext(ctx, args)
	return rows, s.conn.mend(ctx, err)
}

// ExecContext implements driver.StmtExecContext.
func (s *guardedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	res, err := s.pqStmt.ExecContext(ctx, args)
	return res, s.conn.mend(ctx, err)
}

// BeginTx implements driver.ConnBeginTx.
func (c *guarded) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := c.pqConn.BeginTx(ctx, opts)
	return t, c.mend(ctx, err)
}

const queryCanceled = "57014"

func (c *guarded) mend(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if err.Error() == "pq: there is already a query being processed on this connection" {
		c.bad = true
		return driver.ErrBadConn // nothing was sent, so another connection may try
	}
	var pe *pq.Error
	if ctx.Err() != nil && errors.As(err, &pe) && pe.Code == queryCanceled {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}
