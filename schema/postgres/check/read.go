package check

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/seal"
)

// reading is the record at one moment: one transaction that only reads, so that
// the rules never see half of an act.
type reading struct {
	db      *sqlx.DB
	tx      *sqlx.Tx
	tables  map[string]table // by name
	hasKeys bool
	keys    *keys
	seal    seal.Sealer
	files   *blob.Store // nil without --blobs

	standards  map[string]*version[standard]
	procedures map[string]*version[awardRule]
}

// table is what the catalog says of one.
type table struct {
	name  string
	facts bool              // refuses change
	types map[string]string // column to type
	key   []string          // columns of the primary key, in order
}

func open(ctx context.Context, o Options) (*reading, error) {
	connector, err := pq.NewConnector(o.Database)
	if err != nil {
		return nil, fault.Invalid.Because(err, "the PostgreSQL address cannot be read: %v", err)
	}
	r := &reading{
		db:        sqlx.NewDb(sql.OpenDB(connector), "postgres"),
		standards: map[string]*version[standard]{}, procedures: map[string]*version[awardRule]{},
	}
	if err := r.begin(ctx, o); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// settings make the text that PostgreSQL writes independent of its configuration.
var settings = []string{
	`SET LOCAL search_path = kutse, pg_catalog`, `SET LOCAL TimeZone = 'UTC'`, `SET LOCAL DateStyle = 'ISO, YMD'`,
	`SET LOCAL bytea_output = 'hex'`, `SET LOCAL idle_in_transaction_session_timeout = 0`, `SET LOCAL application_name = 'kutse audit check'`,
}

func (r *reading) begin(ctx context.Context, o Options) (err error) {
	if r.tx, err = r.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}); err != nil {
		return fault.Unavailable.Because(err, "PostgreSQL does not answer: %v", err)
	}
	for _, s := range settings {
		if _, err := r.tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	if err := r.catalog(ctx); err != nil {
		return err
	}
	if len(r.tables) == 0 {
		return fault.Unavailable.New("the database has no record in it")
	}
	if err := r.tx.GetContext(ctx, &r.hasKeys, `
SELECT COALESCE((SELECT has_schema_privilege(n.oid, 'usage') AND has_table_privilege(c.oid, 'select')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'kutse_keys' AND c.relname = 'data_key'), false)`); err != nil {
		return err
	}
	r.keys = &keys{kek: o.KEK}
	r.seal = seal.Keyed{Keys: r.keys}
	if o.Blobs != "" {
		r.files, err = blob.Open(o.Blobs, r.seal, blob.Limits{FileBytes: 1, ChunkBytes: 1, UploadsPerPerson: 1}) // it is only read from
	}
	return err
}

func (r *reading) close() error {
	var err error
	if r.files != nil {
		err = r.files.Close()
	}
	if r.tx != nil {
		_ = r.tx.Rollback() // nothing was written
	}
	return errors.Join(err, r.db.Close())
}

// catalog reads which tables there are. Partitions are read through their parent.
func (r *reading) catalog(ctx context.Context) error {
	var columns []struct {
		Tab, Col, Typ string
		Facts         bool
		Place         sql.NullInt64
	}
	err := r.tx.SelectContext(ctx, &columns, `
SELECT c.relname AS tab, a.attname AS col, t.typname AS typ,
       EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'no_change') AS facts,
       array_position(i.indkey::int2[], a.attnum) AS place
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE n.nspname = 'kutse' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY tab, place NULLS LAST, a.attnum`)
	if err != nil {
		return fmt.Errorf("reading the catalog: %w", err)
	}
	r.tables = map[string]table{}
	for _, c := range columns {
		t := r.tables[c.Tab]
		if t.types == nil {
			t = table{name: c.Tab, facts: c.Facts || tables[c.Tab] != "", types: map[string]string{}}
		}
		t.types[c.Col] = c.Typ
		if c.Place.Valid && (c.Tab != "event" || c.Col != "at") { // an event is named by its id
			t.key = append(t.key, c.Col)
		}
		r.tables[c.Tab] = t
	}
	return nil
}

// each reads rows of a table, in the order that query gives them. query selects
// row_to_json(t)::text of them.
func (r *reading) each(ctx context.Context, tab, query string, do func(row) error, args ...any) (err error) {
	rows, err := r.tx.QueryxContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("reading %s: %w", tab, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		one, err := r.tables[tab].row(text)
		if err != nil {
			return fmt.Errorf("a row of %s: %w", tab, err)
		}
		if err := do(one); err != nil {
			return err
		}
	}
	return rows.Err()
}
