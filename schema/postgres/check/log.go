package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/merkle"
)

var logRules = []rule{
	{
		name: "log.sealed", says: "Each audit row has its place in the log, after a short wait.",
		source: "ISO/IEC 17024:2012, 7.1 and 7.4; our design: one sealer, about every second", whole: auditRowsAreSealed,
	},
	{
		name: "log.leaf", says: "The hash that was sealed is that of its audit row, which is there and of the log's year.",
		source: "RFC 6962, 2.1; our design: the leaf is the canonical JSON of the audit row", whole: leavesAreRight,
	},
	{
		name: "log.positions", says: "The places in a log run from 0 without a gap.",
		source: "RFC 6962, 2.1", whole: positionsHaveNoGaps,
	},
	{
		name: "log.nodes", says: "The stored hashes above the leaves are those that the leaves give.",
		source: "RFC 6962, 2.1; C2SP tlog-tiles", whole: nodesAreRight,
	},
	{
		name: "log.late", says: "Each audit row was given its place soon after its time: none was dated back.",
		source: "ISO/IEC 17024:2012, 7.1 and 7.4; our design: one sealer, about every second", whole: rowsAreSealedSoon,
	},
	{
		name: "log.checkpoint", says: "Every checkpoint of a log has the root that the leaves up to it give, and the newest covers all of them.",
		source: "RFC 6962, 2.1; C2SP tlog-checkpoint", whole: checkpointsAreRight,
	},
	{
		name: "log.signature", says: "Every checkpoint of a log says what its row says and is signed by a key of that log.",
		source: "C2SP signed-note and tlog-checkpoint", whole: checkpointsAreSigned,
	},
	{
		name: "log.cosigned", says: "What a witness signed is a checkpoint of the log.",
		source: "C2SP tlog-cosignature", whole: cosignaturesAreRight,
	},
	{
		name: "log.told", says: "Each checkpoint that was announced is one of the log.",
		source: "our design: checkpoints go out by event, so that others keep them", whole: toldCheckpointsAreThere,
	},
}

func auditRowsAreSealed(ctx context.Context, r *run, say say) error {
	return r.each(ctx, "audit", `
SELECT row_to_json(t)::text FROM audit t
 WHERE t.at < $1 AND NOT EXISTS (SELECT 1 FROM log_entry l WHERE l.audit = t.id)`, func(one row) error {
		say("audit "+one.text("id"), "it was written at %s and is not in the log", one.text("at"))
		return nil
	}, r.Now.Add(-r.SealedIn))
}

// sealed is one place in a log with the audit row that stands there.
type sealed struct {
	position int64
	hash     merkle.Hash
	entry    row
	audit    *row
}

// entriesAtOnce is how many places are read at once.
const entriesAtOnce = 5000

// years are the logs that there are.
func (r *run) years(ctx context.Context) (years []int, err error) {
	err = r.tx.SelectContext(ctx, &years, `
SELECT year FROM log_entry GROUP BY year UNION SELECT year FROM log_checkpoint GROUP BY year ORDER BY 1`)
	return years, err
}

// logs are the trees of all years, built anew from the stored hashes of the leaves.
type logs struct {
	edges  map[int]*merkle.Edge
	nodes  map[string]merkle.Hash // by year, level and place; one for 256 entries
	gaps   []gap
	unlike map[int]*unlike // checkpoints whose root the leaves do not give, by year
}

// unlike are checkpoints with another root than their leaves give: the first, and how
// many. Once a leaf is changed, all after it are.
type unlike struct {
	name       string
	has, gives canon.Digest
	count      int
}

type gap struct {
	year         int
	before, here int64
}

// leavesWithCheckpoints reads every leaf in its order, with each checkpoint whose
// last leaf it is. Leaves are counted, and not taken by their stored places.
const leavesWithCheckpoints = `
SELECT e.year, e.position, e.hash, c.at, c.root
  FROM (SELECT year, position, hash, row_number() OVER (PARTITION BY year ORDER BY position) AS n FROM log_entry) e
  LEFT JOIN log_checkpoint c ON c.year = e.year AND c.size = e.n
 ORDER BY e.year, e.n, c.at`

// trees reads every leaf's hash, once, and holds the tree against each checkpoint as
// it grows past it.
func (r *run) trees(ctx context.Context) (_ *logs, err error) {
	if r.logs != nil {
		return r.logs, nil
	}
	l := &logs{edges: map[int]*merkle.Edge{}, nodes: map[string]merkle.Hash{}, unlike: map[int]*unlike{}}
	rows, err := r.tx.QueryContext(ctx, leavesWithCheckpoints)
	if err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	next := map[int]int64{}
	for rows.Next() {
		var year int
		var position int64
		var stored, root []byte
		var at *time.Time
		if err := rows.Scan(&year, &position, &stored, &at, &root); err != nil {
			return nil, err
		}
		if position != next[year]-1 { // else it is the same leaf, with another checkpoint
			if position != next[year] {
				l.gaps = append(l.gaps, gap{year, next[year] - 1, position})
			}
			next[year] = position + 1
			l.add(year, stored)
		}
		if at != nil {
			l.compare(year, *at, root)
		}
	}
	r.logs = l
	return l, rows.Err()
}

// compare holds the tree as it has grown so far against a checkpoint.
func (l *logs) compare(year int, at time.Time, root []byte) {
	edge := l.edges[year]
	gives := edge.Root()
	if bytes.Equal(gives[:], root) {
		return
	}
	if l.unlike[year] == nil {
		has := canon.Digest{}
		copy(has[:], root)
		l.unlike[year] = &unlike{name: checkpointName(year, edge.Size(), at), has: has, gives: canon.Digest(gives)}
	}
	l.unlike[year].count++
}

func checkpointName(year int, size int64, at time.Time) string {
	return fmt.Sprintf("log_checkpoint %d/%d/%s", year, size, at.UTC().Format(time.RFC3339Nano))
}

func (l *logs) add(year int, stored []byte) {
	if l.edges[year] == nil {
		l.edges[year] = &merkle.Edge{}
	}
	var hash merkle.Hash
	copy(hash[:], stored)
	for _, n := range l.edges[year].Append([]merkle.Hash{hash}) {
		l.nodes[fmt.Sprintf("%d/%d/%d", year, n.Level, n.N)] = n.Hash
	}
}

func positionsHaveNoGaps(ctx context.Context, r *run, say say) error {
	l, err := r.trees(ctx)
	if err != nil {
		return err
	}
	for _, g := range l.gaps {
		say(fmt.Sprintf("log_entry %d/%d", g.year, g.here), "the place before it is %d", g.before)
	}
	return nil
}

func leavesAreRight(ctx context.Context, r *run, say say) error {
	years, err := r.years(ctx)
	if err != nil {
		return err
	}
	for _, year := range years {
		for after, more := int64(-1), true; more; {
			from, entries := after, map[string]sealed{}
			var order []string
			err := r.each(ctx, "log_entry", `
SELECT row_to_json(t)::text FROM log_entry t WHERE year = $1 AND position > $2 ORDER BY position LIMIT $3`, func(e row) error {
				after = int64(e.whole("position"))
				s := sealed{position: after, entry: e}
				copy(s.hash[:], e.bytes("hash"))
				entries[e.text("audit")], order = s, append(order, e.text("audit"))
				return nil
			}, year, after, entriesAtOnce)
			if err != nil {
				return err
			}
			err = r.each(ctx, "audit", `
SELECT row_to_json(t)::text FROM log_entry l JOIN audit t ON t.at = l.at AND t.id = l.audit
 WHERE l.year = $1 AND l.position > $2 AND l.position <= $3`, func(a row) error {
				s := entries[a.text("id")]
				s.audit = &a
				entries[a.text("id")] = s
				return nil
			}, year, from, after)
			if err != nil {
				return err
			}
			for _, id := range order {
				s := entries[id]
				object := fmt.Sprintf("log_entry %d/%d", year, s.position)
				if s.audit == nil {
					say(object, "there is no audit row %s of its time", id)
					continue
				}
				sayLeaf(object, year, s, say)
			}
			more = len(order) == entriesAtOnce
		}
	}
	return nil
}

func sayLeaf(object string, year int, s sealed, say say) {
	leaf, err := leafOf(*s.audit)
	if err == nil {
		var entry []byte
		if entry, err = leaf.Entry(); err == nil && merkle.HashEntry(entry) != s.hash {
			say(object, "audit row %s was changed after it was sealed", leaf.ID)
		}
	}
	if err != nil {
		say(object, "audit row %s makes no leaf: %v", s.audit.text("id"), err)
		return
	}
	if leaf.Time.UTC().Year() != year {
		say(object, "audit row %s is of %s", leaf.ID, leaf.Time)
	}
}

// leafOf is what the log keeps of an audit row.
func leafOf(a row) (merkle.Leaf, error) {
	leaf := merkle.Leaf{
		ID: a.text("id"), Time: a.time("at"), Act: a.text("act"), Actor: a.text("actor"), Role: a.text("role"),
		Application: a.text("application"), Candidate: a.text("candidate"), Standard: a.text("standard"), Object: a.text("object"),
		Sequence: a.whole("position"), Request: a.text("request"),
	}
	copy(leaf.Payload[:], a.bytes("payload"))
	for _, text := range a.texts("records") {
		rec, err := merkle.ParseRecord(text)
		if err != nil {
			return leaf, err
		}
		leaf.Records = append(leaf.Records, rec)
	}
	return leaf, nil
}

func nodesAreRight(ctx context.Context, r *run, say say) error {
	l, err := r.trees(ctx)
	if err != nil {
		return err
	}
	want := maps.Clone(l.nodes)
	err = r.each(ctx, "log_node", `SELECT row_to_json(t)::text FROM log_node t ORDER BY year, level, n`, func(n row) error {
		hash, ok := want[n.id]
		switch {
		case !ok:
			say(n.name(), "the log has not come so far")
		case !bytes.Equal(hash[:], n.bytes("hash")):
			say(n.name(), "the leaves below it give another hash")
		}
		delete(want, n.id)
		return nil
	})
	for _, id := range slices.Sorted(maps.Keys(want)) {
		say("log_node "+id, "it is not there")
	}
	return err
}

// newest reads the newest checkpoint of each log.
func (r *run) newest(ctx context.Context, do func(year int, c row) error) error {
	return r.each(ctx, "log_checkpoint", `
SELECT row_to_json(t)::text FROM (SELECT DISTINCT ON (year) * FROM log_checkpoint ORDER BY year, size DESC, at DESC) t`, func(c row) error {
		return do(c.whole("year"), c)
	})
}

func checkpointsAreRight(ctx context.Context, r *run, say say) error {
	l, err := r.trees(ctx)
	if err != nil {
		return err
	}
	for _, year := range slices.Sorted(maps.Keys(l.unlike)) {
		u := l.unlike[year]
		say(u.name, "its root is %s, and the leaves give %s; %d checkpoints of that year are not what their leaves give", u.has, u.gives, u.count)
	}
	edges := maps.Clone(l.edges)
	err = r.newest(ctx, func(year int, c row) error {
		edge := edges[year]
		if edge == nil {
			edge = &merkle.Edge{}
		}
		delete(edges, year)
		empty := edge.Root()
		switch {
		case edge.Size() != int64(c.whole("size")):
			say(c.name(), "it covers %d entries, and there are %d", c.whole("size"), edge.Size())
		case edge.Size() == 0 && !bytes.Equal(empty[:], c.bytes("root")):
			say(c.name(), "its root is %s, and without leaves it is %s", c.text("root"), canon.Digest(empty))
		}
		return nil
	})
	for year := range edges {
		say(fmt.Sprintf("log %d", year), "it has entries and no checkpoint")
	}
	return err
}

// vkeys are the keys of each year's log.
func (r *run) vkeys(ctx context.Context) (map[int][]string, error) {
	keys := map[int][]string{}
	err := r.each(ctx, "log_key", `SELECT row_to_json(t)::text FROM log_key t`, func(k row) error {
		keys[k.whole("year")] = append(keys[k.whole("year")], k.text("vkey"))
		return nil
	})
	return keys, err
}

func checkpointsAreSigned(ctx context.Context, r *run, say say) error {
	keys, err := r.vkeys(ctx)
	if err != nil {
		return err
	}
	return r.each(ctx, "log_checkpoint", `SELECT row_to_json(t)::text FROM log_checkpoint t ORDER BY year, size, at`, func(c row) error {
		signed, err := merkle.OpenCheckpoint([]byte(c.text("note")), slices.Clone(keys[c.whole("year")]))
		switch {
		case err != nil:
			say(c.name(), "%v", err)
		case signed.Size != int64(c.whole("size")) || !bytes.Equal(signed.Root[:], c.bytes("root")):
			say(c.name(), "what was signed has %d entries and the root %s, and the row says otherwise", signed.Size, canon.Digest(signed.Root))
		}
		return nil
	})
}

func rowsAreSealedSoon(ctx context.Context, r *run, say say) error {
	var late []struct {
		Year     int
		Position int64
		Audit    string
		At       time.Time
		Sealed   time.Time
	}
	err := r.tx.SelectContext(ctx, &late, `
SELECT e.year, e.position, e.audit, e.at, c.at AS sealed FROM log_entry e
  JOIN LATERAL (SELECT at FROM log_checkpoint c WHERE c.year = e.year AND c.size > e.position ORDER BY c.size, c.at LIMIT 1) c ON true
 WHERE c.at > e.at + $1 * interval '1 microsecond' ORDER BY e.year, e.position`, r.SealedIn.Microseconds())
	for _, l := range late {
		say(fmt.Sprintf("log_entry %d/%d", l.Year, l.Position), "audit row %s says %s and was sealed at %s: it was dated back, or the sealer stood still", l.Audit, l.At.UTC(), l.Sealed.UTC())
	}
	return err
}

func toldCheckpointsAreThere(ctx context.Context, r *run, say say) error {
	return r.each(ctx, "event", `
SELECT row_to_json(t)::text FROM event t WHERE t.type = 'checkpoint.signed.v1'
   AND NOT EXISTS (SELECT 1 FROM log_checkpoint c WHERE c.at = t.at AND strpos(t.body, to_json(c.note)::text) > 0)`, func(one row) error {
		say(one.name(), "it announces a checkpoint that the log does not have")
		return nil
	})
}
