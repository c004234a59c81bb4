package check

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/lib/pq"
)

var recordRules = []rule{
	{
		name: "record.named", says: "Each row of a table of facts, and each event, is named by an audit row.",
		source: "ISO/IEC 17024:2012, 7.1 (records prove that the process was followed); our design: an audit row for each act", each: rowsAreNamed, outside: true,
	},
	{
		name: "record.there", says: "Each row and event that an audit row names is there.",
		source: "ISO/IEC 17024:2012, 7.1 (integrity of records)", each: namedRowsAreThere, outside: true,
	},
	{
		name: "record.unchanged", says: "Each row and event has the digest that its audit row names.",
		source: "ISO/IEC 17024:2012, 7.1 (integrity of records)", each: rowsAreUnchanged, outside: true,
	},
	{
		name: "record.about", says: "An audit row says the candidate and the standard that its application has.",
		source: "our design: a case is found by whom and what it is about", each: auditsAreAboutTheCase,
	},
	{
		name: "record.versions", says: "The standard and the procedure that a case is pinned to are in the record, and read as their digests say.",
		source: "KutS § 18; 3-17-1994/89, p 19 (by the rules in force); our design: both are pinned by digest", each: versionsAreThere,
	},
	{
		name: "record.event", says: "An event says in its columns what its body says: id, type, whose it is, time, place in the sequence.",
		source: "our design: what leaves is what stands in the record", each: eventsSayWhatTheyAre, outside: true,
	},
	{
		name: "record.case", says: "No row belongs to a case that is not there.",
		source: "ISO/IEC 17024:2012, 7.1 (identification of records)", whole: rowsBelongToCases,
	},
	{
		name: "record.guarded", says: "Each table of facts refuses change, to everybody.",
		source: "ISO/IEC 17024:2012, 7.1 and 7.4; our design: append-only", whole: tablesAreGuarded,
	},
}

func rowsAreNamed(c *facts, say say) {
	for _, name := range slices.Sorted(maps.Keys(c.rows)) {
		if len(c.named[name]) == 0 {
			say(name, "no audit row names it")
		}
	}
}

func namedRowsAreThere(c *facts, say say) {
	for _, name := range slices.Sorted(maps.Keys(c.named)) {
		if _, ok := c.rows[name]; !ok {
			say(name, "audit row %s names it, and it is not there", c.named[name][0].audit)
		}
	}
}

func rowsAreUnchanged(c *facts, say say) {
	for _, name := range slices.Sorted(maps.Keys(c.rows)) {
		row := c.rows[name]
		for _, n := range c.named[name] {
			switch {
			case row.wrong != "":
				say(name, "it has no digest: %s", row.wrong)
			case row.digest != n.digest:
				say(name, "it has the digest %s, and audit row %s names %s", row.digest, n.audit, n.digest)
			}
		}
	}
}

func auditsAreAboutTheCase(c *facts, say say) {
	for _, a := range c.audits {
		if a.candidate != c.Candidate {
			say("audit "+a.id, "it says candidate %q, and the application is of %s", a.candidate, c.Candidate)
		}
		if std := c.standard.value; std != nil && a.standard != std.Key {
			say("audit "+a.id, "it says standard %q, and the application is for %s", a.standard, std.Key)
		}
	}
}

func versionsAreThere(c *facts, say say) {
	if c.standard.wrong != "" {
		say("standard "+c.Standard, "it %s", c.standard.wrong)
	}
	if c.procedure.wrong != "" {
		say("procedure "+c.Procedure, "it %s", c.procedure.wrong)
	}
}

// envelope is what of an event's body stands in columns too.
type envelope struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Subject  string          `json:"subject"`
	Time     json.RawMessage `json:"time"`
	Sequence string          `json:"sequence"`
}

func eventsSayWhatTheyAre(c *facts, say say) {
	for _, e := range c.events {
		var env envelope
		if err := json.Unmarshal([]byte(e.body), &env); err != nil {
			say("event "+e.id, "its body cannot be read: %v", err)
			continue
		}
		sequence := 0
		if env.Sequence != "" {
			sequence, _ = strconv.Atoi(env.Sequence)
		}
		at, _ := json.Marshal(e.at.UTC())
		for _, of := range []struct{ what, column, body string }{
			{"id", e.id, env.ID},
			{"type", e.typ, env.Type},
			{"owner", e.orderKey, env.Subject},
			{"place", strconv.Itoa(e.position), strconv.Itoa(sequence)},
			{"time", string(at), string(env.Time)},
		} {
			if of.column != of.body {
				say("event "+e.id, "its %s is %s in the column and %s in the body", of.what, of.column, of.body)
			}
		}
	}
}

func rowsBelongToCases(ctx context.Context, r *run, say say) error {
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		t := r.tables[name]
		if _, ok := t.types["application"]; !ok || name == "reading" {
			continue
		}
		query := fmt.Sprintf(`
SELECT row_to_json(t)::text FROM %s t
 WHERE t.application IS NOT NULL AND NOT EXISTS (SELECT 1 FROM application a WHERE a.id = t.application)`, pq.QuoteIdentifier(name))
		err := r.each(ctx, name, query, func(one row) error {
			say(one.name(), "it is of application %s, and there is none", one.text("application"))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func tablesAreGuarded(ctx context.Context, r *run, say say) error {
	var unguarded []string
	err := r.tx.SelectContext(ctx, &unguarded, `
SELECT c.relname || ' ' || w.tgname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
  CROSS JOIN unnest(ARRAY['no_change', 'no_truncate']) AS w (tgname)
 WHERE n.nspname = 'kutse' AND COALESCE(p.relname, c.relname) = ANY($1) AND c.relkind IN ('r', 'p')
   AND NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = w.tgname AND g.tgenabled = 'A')
 ORDER BY 1`, pq.Array(slices.Collect(maps.Keys(tables))))
	for _, u := range unguarded {
		say("table "+u, "this trigger is not there or not always on")
	}
	return err
}
