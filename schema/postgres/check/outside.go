package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lib/pq"
)

// windowRows is how many audit rows outside of cases are looked at together.
const windowRows = 5000

// windows reads what stands in no case, a stretch of time after the other: an act
// and what it recorded have one time, so each stretch is whole.
func (r *reading) windows(ctx context.Context, look func(*facts) error) error {
	from, to := "-infinity", ""
	for to != "infinity" {
		part := newCase()
		if err := r.each(ctx, "audit", `
SELECT row_to_json(t)::text FROM audit t WHERE application IS NULL AND at > $1::timestamptz ORDER BY at, id LIMIT $2`, func(one row) error {
			part.audit(one)
			return nil
		}, from, windowRows); err != nil {
			return err
		}
		if to = "infinity"; len(part.audits) == windowRows {
			last := part.audits[len(part.audits)-1].at
			to = last.Format(time.RFC3339Nano)
			// Rows of the same moment beyond the limit.
			part = newCase()
			if err := r.each(ctx, "audit", `
SELECT row_to_json(t)::text FROM audit t WHERE application IS NULL AND at > $1::timestamptz AND at <= $2::timestamptz ORDER BY at, id`, func(one row) error {
				part.audit(one)
				return nil
			}, from, to); err != nil {
				return err
			}
		}
		if err := r.window(ctx, part, from, to); err != nil {
			return err
		}
		if err := look(part); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (r *reading) window(ctx context.Context, part *facts, from, to string) error {
	scopes := scopes{}
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		t := r.tables[name]
		where := "true"
		switch {
		case !t.facts, t.place() != outside && name != "event":
			continue
		case name == "event":
			where = "application IS NULL"
		}
		query := fmt.Sprintf(`SELECT row_to_json(t)::text FROM %s t WHERE at > $1::timestamptz AND at <= $2::timestamptz AND %s`, pq.QuoteIdentifier(name), where)
		err := r.each(ctx, name, query, func(one row) error {
			switch name {
			case "assessor_scope":
				return scopes.add(one)
			case "event":
				part.events = append(part.events, readEvent(one))
				if one.text("type") == "checkpoint.signed.v1" {
					return nil // says what the log was, and the log holds audit rows: none can name it
				}
			}
			part.keep(one, nil)
			return nil
		}, from, to)
		if err != nil {
			return err
		}
	}
	scopes.keep(part)
	return r.settle(ctx, []*facts{part})
}
