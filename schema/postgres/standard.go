package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/procedure"
)

type versionRow struct {
	Digest []byte `db:"digest"`
	Body   string `db:"body"`
}

var (
	standardByDigest  = statement(`SELECT digest, body FROM standard WHERE digest = $1`)
	currentStandard   = statement(`SELECT digest, body FROM standard WHERE key = $1 ORDER BY at DESC, digest LIMIT 1`)
	currentStandards  = statement(`SELECT DISTINCT ON (key) digest, body FROM standard ORDER BY key, at DESC, digest`)
	procedureByDigest = statement(`SELECT digest, body FROM procedure WHERE digest = $1`)
	currentProcedures = statement(`SELECT DISTINCT ON (key) digest, body FROM procedure ORDER BY key, at DESC, digest`)

	insertStandard  = statement(`INSERT INTO standard (digest, key, body, at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING`)
	insertProcedure = statement(`INSERT INTO procedure (digest, key, body, at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING`)
)

// LoadStandard puts a standard version into the record. The same version again
// changes nothing; it is never edited. The latest one loaded is the current one.
func (s *Store) LoadStandard(ctx context.Context, a Actor, req request.LoadStandard) (request.Receipt, error) {
	return s.act(ctx, a, "standard.load", "", req, func(ctx context.Context, c *change) error {
		std, err := catalogue.Read(strings.NewReader(req.YAML))
		if err != nil {
			return err
		}
		return c.loadVersion(ctx, "standard", insertStandard, std.Key, std)
	})
}

// LoadProcedure puts a procedure version into the record, as LoadStandard does.
func (s *Store) LoadProcedure(ctx context.Context, a Actor, req request.LoadProcedure) (request.Receipt, error) {
	return s.act(ctx, a, "procedure.load", "", req, func(ctx context.Context, c *change) error {
		proc, err := procedure.Read([]byte(req.YAML))
		if err != nil {
			return err
		}
		return c.loadVersion(ctx, "procedure", insertProcedure, proc.Key, proc)
	})
}

func (c *change) loadVersion(ctx context.Context, kind, insert, key string, version any) error {
	body, err := canon.JSON(version)
	if err != nil {
		return err
	}
	digest := canon.Sum(body)
	c.receipt.Record = digest.String()
	res, err := c.ExecContext(ctx, insert, digest[:], key, string(body), c.at)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return c.recorded(kind, digest.String(), row{"digest": digest, "key": key, "at": c.at})
}

// standard reads a version by its digest, and once: a version never changes.
func (t tx) standard(ctx context.Context, digest canon.Digest) (*catalogue.Standard, error) {
	return version[catalogue.Standard](ctx, t, standardByDigest, digest)
}

func (t tx) procedure(ctx context.Context, digest canon.Digest) (*procedure.Procedure, error) {
	return version[procedure.Procedure](ctx, t, procedureByDigest, digest)
}

func version[V any](ctx context.Context, t tx, query string, digest canon.Digest) (*V, error) {
	if known, ok := t.s.versions.Load(digest); ok {
		if v, ok := known.(*V); ok {
			return v, nil
		}
	}
	var row versionRow
	if err := t.GetContext(ctx, &row, query, digest[:]); err != nil {
		return nil, fmt.Errorf("reading version %s: %w", digest, err)
	}
	return decodeVersion[V](t.s, row)
}

// decodeVersion reads a stored version and checks that it is what its digest
// says: a standard changed behind our back is not used.
func decodeVersion[V any](s *Store, row versionRow) (*V, error) {
	digest := canon.Digest(row.Digest)
	if got := canon.Sum([]byte(row.Body)); got != digest {
		return nil, fmt.Errorf("version %s has the digest %s: it was changed", digest, got)
	}
	if known, ok := s.versions.Load(digest); ok {
		if v, ok := known.(*V); ok {
			return v, nil
		}
	}
	var v V
	if err := json.Unmarshal([]byte(row.Body), &v); err != nil {
		return nil, fmt.Errorf("reading version %s: %w", digest, err)
	}
	s.versions.Store(digest, &v)
	return &v, nil
}

func (t tx) currentStandard(ctx context.Context, key string) (*catalogue.Standard, canon.Digest, error) {
	var row versionRow
	err := t.GetContext(ctx, &row, currentStandard, key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, canon.Digest{}, fault.NotFound.New("there is no standard %.60q in the record; `standard list` shows those there are", key)
	}
	if err != nil {
		return nil, canon.Digest{}, err
	}
	std, err := decodeVersion[catalogue.Standard](t.s, row)
	return std, canon.Digest(row.Digest), err
}

// namedStandard finds the version that a digest names, or the current one of a key.
func (t tx) namedStandard(ctx context.Context, name string) (*catalogue.Standard, canon.Digest, error) {
	digest, err := canon.ParseDigest(name)
	if err != nil {
		return t.currentStandard(ctx, name)
	}
	std, err := t.standard(ctx, digest)
	if missing, _ := noRows(err); missing {
		return nil, digest, fault.NotFound.New("there is no standard version %s in the record", digest)
	}
	return std, digest, err
}

// procedureFor finds the current procedure that awards a standard: the one with
// that key, or the only one there is.
func (t tx) procedureFor(ctx context.Context, standard, key string) (*procedure.Procedure, canon.Digest, error) {
	var rows []versionRow
	if err := t.SelectContext(ctx, &rows, currentProcedures); err != nil {
		return nil, canon.Digest{}, err
	}
	var found *procedure.Procedure
	var digest canon.Digest
	for _, row := range rows {
		p, err := decodeVersion[procedure.Procedure](t.s, row)
		if err != nil {
			return nil, canon.Digest{}, err
		}
		if !p.Runs(standard) || (key != "" && p.Key != key) {
			continue
		}
		if found != nil {
			return nil, canon.Digest{}, fault.Invalid.New("several procedures award %s; name one of them", standard)
		}
		found, digest = p, canon.Digest(row.Digest)
	}
	if found == nil {
		return nil, canon.Digest{}, fault.Conflict.New("nobody has the right to award %s: no procedure for it is in force", standard)
	}
	return found, digest, nil
}

// Standards lists the current versions.
func (s *Store) Standards(ctx context.Context, a Actor) (request.Standards, error) {
	var list request.Standards
	err := s.read(ctx, a, func(t tx) error {
		var rows []versionRow
		if err := t.SelectContext(ctx, &rows, currentStandards); err != nil {
			return err
		}
		for _, row := range rows {
			std, err := decodeVersion[catalogue.Standard](s, row)
			if err != nil {
				return err
			}
			competences, statements, _ := std.Counts()
			list.Standards = append(list.Standards, request.StandardLine{
				Key: std.Key, Version: std.Version, Name: std.Name(), Title: std.Title,
				Digest: canon.Digest(row.Digest), Competences: competences, Statements: statements,
			})
		}
		return nil
	})
	return list, err
}

// Standard reads the current version of one standard.
func (s *Store) Standard(ctx context.Context, a Actor, key string) (std *catalogue.Standard, err error) {
	err = s.read(ctx, a, func(t tx) error {
		std, _, err = t.currentStandard(ctx, key)
		return err
	})
	return std, err
}
