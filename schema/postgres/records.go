package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// row is what an act recorded in one row: column name to value, as the digest of
// the row is made of it. What is NULL in the database is not in it.
type row map[string]any

// recorded notes a row that this act records. Its digest stands in the audit row,
// and so in the log: the row cannot be changed afterwards without being found.
// kind is the table; what is sealed goes in sealed, so that an erasure breaks no
// digest.
func (c *change) recorded(kind, id string, r row) error {
	digest, err := rowDigest(r)
	if err != nil {
		return err
	}
	c.records = append(c.records, kind+" "+id+" "+digest.String())
	return nil
}

// rowDigest is SHA-256 over the canonical JSON of a row: bytes in hexadecimal,
// times in RFC 3339, UTC, to the microsecond.
func rowDigest(r row) (canon.Digest, error) {
	plain := make(row, len(r))
	for name, value := range r {
		if v := plainValue(value); v != nil {
			plain[name] = v
		}
	}
	return canon.DigestOf(plain)
}

func plainValue(value any) any {
	switch v := value.(type) {
	case []byte:
		if v == nil {
			return nil
		}
		return hex.EncodeToString(v)
	case pq.ByteaArray:
		list := make([]string, 0, len(v))
		for _, b := range v {
			list = append(list, hex.EncodeToString(b))
		}
		return list
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return value
}

// named returns the ids of what an act recorded of one kind, of all for "". What is
// no name of a record is left out: `kutse audit check` says so.
func (r leafRow) named(kind string) []string {
	ids := []string{}
	for _, name := range r.Records {
		if record, err := merkle.ParseRecord(name); err == nil && (kind == "" || record.Kind == kind) {
			ids = append(ids, record.ID)
		}
	}
	return ids
}

var eventsOf = statement(`
SELECT e.id, e.body FROM unnest($1::timestamptz[], $2::uuid[]) AS w (at, id) JOIN event e ON e.at = w.at AND e.id = w.id`)

// recordedEvents reads the events that acts recorded, as published, by id.
func (t tx) recordedEvents(ctx context.Context, rows []leafRow) (map[string]string, error) {
	var ats []time.Time
	var ids []string
	for _, r := range rows {
		for _, id := range r.named("event") {
			ats, ids = append(ats, r.At), append(ids, id)
		}
	}
	var found []struct{ ID, Body string }
	if err := t.SelectContext(ctx, &found, eventsOf, pq.Array(ats), pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	bodies := make(map[string]string, len(found))
	for _, f := range found {
		bodies[f.ID] = f.Body
	}
	return bodies, nil
}
