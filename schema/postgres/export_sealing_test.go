package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
)

const trailStart, trailEnd = "), trail AS (", "), news AS ("

// WithoutAudit is the statement that saves an act, without its audit row: what the
// audit trail costs is measured against it.
func WithoutAudit() string {
	return replaceTrail(`SELECT $5::uuid, $7::text, $8::text, $9::text, $10::int, $21::text, $22::text, $23::text, $24::text[]`)
}

// InChain is the statement that saves an act, with a hash chain in place of a log that
// is sealed later: each act takes the head, and those that come meanwhile wait for
// its commit.
func InChain() string {
	to := strings.Index(saveAct, trailEnd)
	return saveAct[:to] + `), head AS (
  UPDATE chain_head SET n = n + 1, hash = sha256(hash || $12 || convert_to($7 || $8 || $9, 'UTF8')) RETURNING n, hash
), link AS (
  INSERT INTO chain_link (n, audit, hash) SELECT n, $5::uuid, hash FROM head
` + saveAct[to:]
}

func replaceTrail(by string) string {
	from, to := strings.Index(saveAct, trailStart), strings.Index(saveAct, trailEnd)
	return saveAct[:from+len(trailStart)] + by + saveAct[to:]
}

// CheckEntry says whether the audit row of an act that recorded so many rows could
// stand in the log.
func CheckEntry(at time.Time, records int) error {
	c := &change{name: "an.act", at: at}
	for range records {
		c.records = append(c.records, "verdict "+newID()+" "+canon.Digest{}.String())
	}
	return c.checkEntry(leafRow{ID: newID()})
}

// SaveActsWith makes the store save acts with another statement.
func (s *Store) SaveActsWith(ctx context.Context, text string) error {
	st, err := s.db.PreparexContext(ctx, text) //nolint:sqlclosecheck // for as long as the pool lives
	if err == nil {
		s.prepared[saveAct] = st
	}
	return err
}
