package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"
)

// settle looks elsewhere in the record for what these parts of it name and do not
// hold, and for what they hold and do not name: an act in a case may leave a row
// outside of it. A query for each table, none for each row.
func (r *reading) settle(ctx context.Context, parts []*facts) error {
	missing := map[string][]string{} // kind to ids
	var times []string               // of the acts that left events elsewhere
	for _, c := range parts {
		for name, by := range c.named {
			if _, ok := c.rows[name]; ok {
				continue
			}
			kind, id, _ := strings.Cut(name, " ")
			missing[kind] = append(missing[kind], id)
			if kind == "event" {
				times = append(times, by[0].at.Format(time.RFC3339Nano))
			}
		}
	}
	rows := map[string]found{}
	for _, kind := range slices.Sorted(maps.Keys(missing)) {
		if err := r.byNames(ctx, kind, missing[kind], times, rows); err != nil {
			return err
		}
	}
	for _, c := range parts {
		for name := range c.named {
			if f, ok := rows[name]; ok {
				c.rows[name] = f
			}
		}
	}
	if err := r.nameUnnamed(ctx, parts); err != nil {
		return err
	}
	if err := r.readActors(ctx, parts); err != nil {
		return err
	}
	return r.readReceipts(ctx, parts)
}

// byNames reads rows of a table by the ids that audit rows name them with. Events
// are found by the times of their acts: there is no index on their ids alone.
func (r *reading) byNames(ctx context.Context, kind string, ids, times []string, into map[string]found) error {
	t, ok := r.tables[kind]
	if !ok || !t.facts && kind != "application" {
		return nil // there is no such table: the row is missing
	}
	c := newCase()
	if kind == "assessor_scope" {
		return r.scopesByNames(ctx, ids, into)
	}
	columns := make([][]string, len(t.key))
	for _, id := range ids {
		parts := strings.SplitN(id, "/", len(t.key))
		if len(parts) != len(t.key) || !t.fits(parts) {
			continue
		}
		for i, part := range parts {
			if t.types[t.key[i]] == "bytea" {
				part = `\x` + part
			}
			columns[i] = append(columns[i], part)
		}
	}
	var names, arrays []string
	args := make([]any, 0, len(columns))
	for i, col := range t.key {
		names = append(names, "t."+pq.QuoteIdentifier(col))
		arrays = append(arrays, fmt.Sprintf("$%d::text[]::%s[]", i+1, pq.QuoteIdentifier(t.types[col])))
		args = append(args, pq.Array(columns[i]))
	}
	query := fmt.Sprintf(`SELECT row_to_json(t)::text FROM %s t WHERE (%s) IN (SELECT * FROM unnest(%s))`,
		pq.QuoteIdentifier(kind), strings.Join(names, ", "), strings.Join(arrays, ", "))
	if kind == "event" {
		query += ` AND t.at = ANY($2::timestamptz[])`
		args = append(args, pq.Array(times))
	}
	err := r.each(ctx, kind, query, func(one row) error {
		c.keep(one, nil)
		return nil
	}, args...)
	maps.Copy(into, c.rows)
	return err
}

// fits says whether the parts of an id could be what their columns hold. An audit
// row that was tampered with must not end the check.
func (t table) fits(parts []string) bool {
	for i, part := range parts {
		switch t.types[t.key[i]] {
		case "uuid":
			if !isUUID(part) {
				return false
			}
		case "bytea":
			if unhex(part) == nil {
				return false
			}
		case "role":
			if !slices.Contains([]string{"cand", "asr", "com", "cnl", "adm"}, part) {
				return false
			}
		}
	}
	return true
}

// scopesByNames reads scopes: one record stands for all competences that one act gave.
func (r *reading) scopesByNames(ctx context.Context, ids []string, into map[string]found) error {
	var assessors []string
	for _, id := range ids {
		assessor, _, _ := strings.Cut(id, "/")
		assessors = append(assessors, assessor)
	}
	c := newCase()
	scopes := scopes{}
	err := r.each(ctx, "assessor_scope", `SELECT row_to_json(t)::text FROM assessor_scope t WHERE assessor = ANY($1)`, scopes.add, pq.Array(assessors))
	scopes.keep(c)
	maps.Copy(into, c.rows)
	return err
}

// scopes gathers the rows of one act into the record that names them.
type scopes map[string]*scope

type scope struct {
	row
	competences []string
}

// scopeOf tells apart the records of acts that each widened a scope in one
// standard: they have one name, and not one time.
func scopeOf(r row) string { return " of " + r.text("at") }

func (s scopes) add(r row) error {
	r.id += scopeOf(r)
	if s[r.id] == nil {
		s[r.id] = &scope{row: r}
	}
	s[r.id].competences = append(s[r.id].competences, r.text("competence"))
	return nil
}

func (s scopes) keep(c *facts) {
	for _, one := range s {
		delete(one.cols, "competence")
		slices.Sort(one.competences)
		c.keep(one.row, map[string]any{"competences": one.competences})
	}
}

const auditsOf = `SELECT row_to_json(t)::text FROM audit t WHERE t.at = ANY($1::timestamptz[])`

// nameUnnamed looks, by their time, for the audit rows of rows that these parts do
// not name: an act and what it records have one time.
func (r *reading) nameUnnamed(ctx context.Context, parts []*facts) error {
	times := map[string]bool{}
	for _, c := range parts {
		for name, f := range c.rows {
			if _, ok := c.named[name]; !ok {
				times[f.at.Format(time.RFC3339Nano)] = true
			}
		}
	}
	if len(times) == 0 {
		return nil
	}
	others := newCase()
	if err := r.each(ctx, "audit", auditsOf, func(one row) error { others.audit(one); return nil }, pq.Array(slices.Collect(maps.Keys(times)))); err != nil {
		return err
	}
	for _, c := range parts {
		for name := range c.rows {
			if _, ok := c.named[name]; ok {
				continue
			}
			if n, ok := others.named[name]; ok {
				c.named[name] = n
			}
		}
	}
	return nil
}

// readReceipts reads the receipts of the requests that audit rows name.
func (r *reading) readReceipts(ctx context.Context, parts []*facts) error {
	var people, requests []string
	for _, c := range parts {
		for _, a := range c.audits {
			if a.request != "" {
				people, requests = append(people, a.actor), append(requests, a.request)
			}
		}
	}
	receipts := map[string]receipt{}
	err := r.each(ctx, "receipt", `
SELECT row_to_json(t)::text FROM receipt t WHERE (t.person, t.request) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, func(one row) error {
		receipts[one.id] = receipt{digest: one.text("digest"), body: one.text("body")}
		return nil
	}, pq.Array(people), pq.Array(requests))
	if err != nil {
		return err
	}
	for _, c := range parts {
		for _, a := range c.audits {
			if one, ok := receipts[a.actor+"/"+a.request]; ok && a.request != "" {
				c.receipts[a.actor+"/"+a.request] = one
			}
		}
	}
	return nil
}
