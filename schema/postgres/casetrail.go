package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

var trailInFull = statement(`SELECT ` + leafColumns + ` FROM audit a WHERE a.application = $1 ORDER BY a.at, a.id`)

// saltsGiven are the acts of a case whose salts go into its file. Their requests are
// salted under the candidate's key, and hold nothing that the candidate is not shown.
// The salts of others in its trail are not the candidate's to give away: the claim and
// the release of a task are salted under the key of who acted, and by the salt of an
// audit finding, whose text the council alone reads, that text could be tried out.
var saltsGiven = []string{
	"application.open", "application.withdraw", "evidence.submit", "competence.hand-in", "verdict.give", "decision.make", makeCaseFile,
}

// trail takes the audit rows of the case with what proves them: their entries, the
// proofs, the facts and rows that they recorded, and the salts.
func (a *assembly) trail(ctx context.Context, key casefile.Key) error {
	rows, err := a.leaves(ctx, trailInFull, a.app.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		entry, err := r.entry()
		if err != nil {
			return fault.Conflict.Because(err, "audit row %s was changed: it makes no entry of the log", r.ID)
		}
		a.made.File.Entries = append(a.made.File.Entries, entry)
		a.c().Timeline = append(a.c().Timeline, casefile.Row{
			ID: r.ID, At: r.At.UTC(), Act: r.Act, Actor: r.Actor, Role: r.Role, Object: r.Object, Records: r.Records,
		})
		if slices.Contains(saltsGiven, r.Act) {
			record := "request." + r.Request
			salt, err := a.sealer(ctx).Salt(a.made.Owner, record)
			if err != nil {
				return err
			}
			a.made.File.Salts[record] = salt
		}
	}
	if err := a.proofs(ctx, rows, key); err != nil {
		return err
	}
	if err := a.facts(ctx, rows); err != nil {
		return err
	}
	return a.recordedRows(ctx, rows)
}

// proofs proves each audit row to be in its year's log, all at one checkpoint.
func (a *assembly) proofs(ctx context.Context, rows []leafRow, key casefile.Key) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	places, err := a.sealed(ctx, ids)
	if err != nil {
		return err
	}
	a.made.File.Proofs = map[string][]byte{}
	logs := map[int]*provingLog{}
	for i, r := range rows {
		place := places[r.ID]
		if place == nil {
			return fault.Unavailable.New("the latest acts of this case are not sealed yet: they are within a second or so; ask again")
		}
		if logs[place.Year] == nil {
			if logs[place.Year], err = a.provingLog(ctx, place.Year, key.Origin()); err != nil {
				return err
			}
		}
		proof, err := logs[place.Year].prove(ctx, place.Position, a.made.File.Entries[i])
		if err != nil {
			return err
		}
		a.made.File.Proofs[r.ID] = proof.Marshal()
	}
	a.made.File.Keys = append(a.made.File.Keys, key.VKey)
	return nil
}

// provingLog is the log of a year, whose keys go along, if the key for case files is
// of the same host.
func (a *assembly) provingLog(ctx context.Context, year int, origin string) (*provingLog, error) {
	l, err := a.tx.provingLog(ctx, year)
	if err != nil {
		return nil, err
	}
	if host, _, err := merkle.ParseOrigin(l.checkpoint.Origin); err != nil || host != origin {
		return nil, fault.Conflict.New("the log is %s, and the key for case files is of %q: the operator makes one of the same host", l.checkpoint.Origin, origin)
	}
	for _, k := range l.keys {
		a.made.File.Keys = append(a.made.File.Keys, k.VKey)
	}
	return l, nil
}

// facts takes the events that the acts recorded, in their order, as published.
func (a *assembly) facts(ctx context.Context, rows []leafRow) error {
	bodies, err := a.recordedEvents(ctx, rows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		for _, id := range r.named("event") {
			body, ok := bodies[id]
			if !ok {
				return fault.Conflict.New("event %s, which the log names, is not in the record any more", id)
			}
			a.made.File.Events = append(a.made.File.Events, []byte(body))
		}
	}
	return nil
}

// rowsInFull are the rows of a case as PostgreSQL writes them, each with the columns
// that its digest is over.
var rowsInFull = statement(`
SELECT 'application' AS kind, id::text AS id, to_jsonb(a) - 'state' - 'position' AS columns FROM application a WHERE id = $1
UNION ALL
SELECT 'evidence_item', id::text, to_jsonb(i) || jsonb_build_object('indicators', (
    SELECT jsonb_agg(competence || '/' || ordinal ORDER BY competence COLLATE "C", ordinal) FROM evidence_link WHERE item = i.id))
  FROM evidence_item i WHERE application = $1
UNION ALL
SELECT 'round', id::text, to_jsonb(r) || jsonb_build_object('evidence', COALESCE((
    SELECT jsonb_agg(item || ' ' || competence || '/' || ordinal ORDER BY (item || ' ' || competence || '/' || ordinal) COLLATE "C")
      FROM round_evidence WHERE round = r.id), '[]'))
  FROM round r WHERE application = $1
UNION ALL SELECT 'round_closed', c.round::text, to_jsonb(c) FROM round_closed c JOIN round r ON r.id = c.round WHERE r.application = $1
UNION ALL SELECT 'verdict', id::text, to_jsonb(v) FROM verdict v WHERE application = $1
UNION ALL SELECT 'finding', round || '/' || competence, to_jsonb(f) FROM finding f WHERE application = $1
UNION ALL SELECT 'proposal', id::text, to_jsonb(p) FROM proposal p WHERE application = $1
UNION ALL SELECT 'proposal_overdue', o.proposal::text, to_jsonb(o) FROM proposal_overdue o JOIN proposal p ON p.id = o.proposal WHERE p.application = $1
UNION ALL SELECT 'decision', id::text, to_jsonb(d) FROM decision d WHERE application = $1
UNION ALL SELECT 'register_entry', number, to_jsonb(e) FROM register_entry e WHERE application = $1
UNION ALL SELECT 'case_file', id::text, to_jsonb(f) FROM case_file f WHERE application = $1`)

// recordedRows takes the rows of the case as their digests are over them, in the
// order of the trail. Rows of other kinds than a case has are left out.
func (a *assembly) recordedRows(ctx context.Context, trail []leafRow) error {
	var found []struct {
		Kind, ID string
		Columns  []byte
	}
	if err := a.SelectContext(ctx, &found, rowsInFull, a.app.ID); err != nil {
		return err
	}
	there, kinds := map[string][]byte{}, map[string]bool{}
	for _, f := range found {
		canonical, err := canonicalRow(f.Columns)
		if err != nil {
			return err
		}
		there[f.Kind+" "+f.ID], kinds[f.Kind] = canonical, true
	}
	for _, r := range trail {
		for _, rec := range r.Records {
			named, err := merkle.ParseRecord(rec)
			if err != nil {
				return err
			}
			if !kinds[named.Kind] {
				continue
			}
			canonical, ok := there[named.Kind+" "+named.ID]
			if !ok || canon.Sum(canonical) != named.Digest {
				return fault.Conflict.New("the %s %s is not what the log says was recorded: it was changed", named.Kind, named.ID)
			}
			line, err := casefile.RowLine(named.Kind, named.ID, canonical)
			if err != nil {
				return err
			}
			a.made.File.Rows = append(a.made.File.Rows, line)
		}
	}
	return nil
}

// timeColumns are those that hold a moment.
var timeColumns = []string{"at", "due_at", "opened_at"}

// canonicalRow makes of a row as PostgreSQL writes it the canonical JSON that its
// digest is over (records.go).
func canonicalRow(text []byte) ([]byte, error) {
	var columns map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&columns); err != nil {
		return nil, err
	}
	for name, value := range columns {
		switch v := value.(type) {
		case nil:
			delete(columns, name)
		case []any:
			for i := range v {
				v[i] = plainBytes(v[i])
			}
		case string:
			columns[name] = plainBytes(v)
			if slices.Contains(timeColumns, name) {
				at, err := time.Parse(time.RFC3339Nano, v)
				if err != nil {
					return nil, err
				}
				columns[name] = at.UTC().Format(time.RFC3339Nano)
			}
		}
	}
	return canon.JSON(columns)
}

// plainBytes writes bytes as they are in a digest: without PostgreSQL's mark.
func plainBytes(v any) any {
	if s, ok := v.(string); ok {
		return strings.TrimPrefix(s, `\x`)
	}
	return v
}
