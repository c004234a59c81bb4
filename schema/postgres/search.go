package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
)

// A table of facts that is partitioned by month is searched by any of its filters,
// alone or together, a page at a time. The plan of a search must not depend on
// what PostgreSQL believes about the data: a wrong guess among ten million rows is
// the difference between a millisecond and a minute. So one filter leads, chosen
// in Go, each has a statement of its own, and of each statement only one plan is
// possible: it walks the index of the leading filter in order from where the page
// begins. Two things see to that:
//
//   - the leading column is compared by row, (actor, at, id) > ($1, $2, $3), and the
//     order names it: no index that does not begin with it can give that order.
//     With an equality PostgreSQL may walk the primary key instead and drop what
//     does not match, through all partitions where little does;
//   - the transaction allows neither sorting nor reading a whole table.
//
// A row comparison does not prune partitions, so the bounds of time stand there
// twice. The other filters are looked at row by row, over at most scanned rows.

// A lead is a filter that can lead a search: a column with an index on it, the time
// and the id.
type lead struct {
	column, cast string
	nullable     bool // the index leaves out the rows without it
}

// everything leads a search in which no filter does: the primary key.
var everything = lead{}

// scanned bounds how many rows of its leading filter a page looks at. Where the
// other filters let few of them through the page is short, even empty, and says
// where to go on: what a page costs is bounded, whatever is searched.
const scanned = 10_000

// walk is a search in one direction, led by one filter.
type walk struct {
	page string // the rows of the page
	edge string // the last row that the page looked at, where it looked at as many as it may
}

// newWalk makes the statements. rest are the conditions of the other filters, on
// $6 and up.
func newWalk(table, columns string, l lead, newest bool, rest string) walk {
	cmp, last, until, dir := ">", "<", "$4", ""
	prune := "at >= $2 AND at < $4"
	if newest {
		cmp, last, dir = "<", ">=", " DESC"
		prune = "at <= $2 AND at >= $4"
	}
	row, begin, end, order := "(at, id)", "($2, $3::uuid)", "at "+last+" "+until, "at"+dir+", id"+dir
	if l.column != "" {
		first := "$1" + l.cast
		row, begin = "("+l.column+", at, id)", "("+first+", $2, $3::uuid)"
		end = "(" + l.column + ", at) " + last + " (" + first + ", " + until + ")"
		order = l.column + dir + ", " + order
	} else {
		end += " AND $1::text = ''"
	}
	where := fmt.Sprintf("\n  FROM %s WHERE %s %s %s AND %s AND %s", table, row, cmp, begin, end, prune)
	if l.nullable {
		where += " AND " + l.column + " IS NOT NULL"
	}
	where += " ORDER BY " + order
	return walk{
		page: statement(fmt.Sprintf("SELECT %s FROM (\n SELECT %s%s LIMIT %d) AS led\n WHERE %s ORDER BY %s LIMIT $5",
			columns, columns, where, scanned, rest, order)),
		edge: statement(fmt.Sprintf("SELECT at, id%s OFFSET $5 LIMIT 1", where)),
	}
}

// onePlan leaves PostgreSQL no choice; see above. There is nothing to learn from the
// values either, so it plans each statement once; compiling a plan, and asking other
// processes to help with it, would take longer than running it.
var onePlan = statement(`
SELECT set_config(name, setting, true) FROM (VALUES
  ('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'), ('enable_sort', 'off'), ('enable_incremental_sort', 'off'),
  ('plan_cache_mode', 'force_generic_plan'), ('jit', 'off'), ('max_parallel_workers_per_gather', '0')) AS s (name, setting)`)

// place is where a page begins: after this row.
type place struct {
	At time.Time
	ID string
}

// The places before and after all rows.
var (
	beginning = place{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), zeroID}
	end       = place{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), "ffffffff-ffff-ffff-ffff-ffffffffffff"}
)

// span is which rows a search is in, by time, and in which direction it walks.
type span struct {
	newest   bool
	from, to *time.Time // first moment, first moment after
}

// arguments are where the page begins, after a cursor or at one end of the span,
// and the bound of time at the other end.
func (s span) arguments(after string) (begin place, bound time.Time, err error) {
	begin, bound = beginning, end.At
	if s.newest {
		begin, bound = end, beginning.At
	}
	switch {
	case s.newest && s.to != nil:
		begin = place{*s.to, beginning.ID} // the first row after the span
	case !s.newest && s.from != nil:
		begin = place{s.from.Add(-time.Microsecond), end.ID} // the last row before it
	}
	switch {
	case s.newest && s.from != nil:
		bound = *s.from
	case !s.newest && s.to != nil:
		bound = *s.to
	}
	if after == "" {
		return begin, bound, nil
	}
	p, err := parsePlace(after)
	if p.At.After(begin.At) != s.newest { // a cursor from elsewhere does not widen the span
		begin = p
	}
	return begin, bound, err
}

// parsePlace reads a cursor: the next of the page before.
func parsePlace(after string) (place, error) {
	when, id, _ := strings.Cut(after, ",")
	at, err := time.Parse(time.RFC3339Nano, when)
	if err != nil || at.Year() < 1 || request.CheckID("a cursor", id) != nil {
		return place{}, fault.Invalid.New("after is the next of the page before, not %.80q", after)
	}
	return place{at, id}, nil
}

func (p place) String() string { return p.At.UTC().Format(time.RFC3339Nano) + "," + p.ID }

// looked is what a search is for: what each filter is to be, "" for anything, in the
// order of the statement; which of them leads, if any; where the
// page begins, the bound of time at its other end, and how long it is at most.
type looked struct {
	walk
	filters []string
	lead    int
	begin   place
	bound   time.Time
	limit   int
}

// search reads a page and says where the next one begins, "" for nowhere: after the
// last row of a full page, else after the last row that a page with further filters
// looked at.
func search[R interface{ place() place }](ctx context.Context, t tx, q looked) (rows []R, next string, err error) {
	if _, err := t.ExecContext(ctx, onePlan); err != nil {
		return nil, "", err
	}
	args, filtered := []any{"", q.begin.At, q.begin.ID, q.bound, q.limit}, false
	for i, value := range q.filters {
		if i == q.lead {
			args[0], value = value, ""
		}
		filtered = filtered || value != ""
		args = append(args, value)
	}
	if err := t.SelectContext(ctx, &rows, q.page, args...); err != nil {
		return nil, "", err
	}
	if len(rows) == q.limit {
		return rows, rows[q.limit-1].place().String(), nil
	}
	if !filtered {
		return rows, "", nil
	}
	args[4] = scanned - 1
	var edge place
	missing, err := noRows(t.GetContext(ctx, &edge, q.edge, args[:5]...))
	if err != nil || missing {
		return rows, "", err
	}
	return rows, edge.String(), nil
}
