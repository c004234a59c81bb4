package check

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// tampering is something done to a record by whoever owns the database, or by a
// program that records what it should not.
type tampering struct {
	rule string // the one that finds it
	what string
	in   string // whose case is named; "" for none
	do   func(p *played)

	recorded bool            // the audit rows name what was done, as a faulty program's would
	sealed   func(p *played) // is done after the log was sealed
	unlocked func(p *played) // is done after the triggers were put back
	options  func(o *Options)
}

// every is for a tampering that every case is found with.
const every = "every"

// Each rule finds what it is there for, names the case, and no other rule is set off.
func TestEachTamperingIsFoundByItsRule(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, x := range slices.Concat(recordTamperings, logTamperings, assessmentTamperings, evidenceTamperings, awardTamperings, stateTamperings, auditTamperings, erasureTamperings) {
		found[x.rule] = true
		t.Run(x.rule+"/"+strings.ReplaceAll(x.what, " ", "_"), func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			p.unlock()
			if x.do != nil {
				x.do(p)
			}
			if x.recorded {
				p.record()
			}
			p.sealLog()
			if x.sealed != nil {
				x.sealed(p)
			}
			p.lock()
			if x.unlocked != nil {
				x.unlocked(p)
			}
			if x.options == nil {
				x.options = func(*Options) {}
			}
			report, faults := p.check(x.options)
			if len(faults) == 0 || report.Faults != len(faults) {
				t.Errorf("%s: %d faults were told, the report says %d", x.what, len(faults), report.Faults)
			}
			for _, f := range faults {
				in := p.cases[x.in]
				if x.in == every {
					in = f.Application
				}
				if f.Rule != x.rule || f.Application != in || f.Object == "" || f.What == "" {
					t.Errorf("%s: found %v; want %s in the case %q of %q", x.what, f, x.rule, in, x.in)
				}
			}
		})
	}
	for _, r := range rules() {
		if !found[r.name] {
			t.Errorf("no tampering tests %s", r.name)
		}
	}
}

// exec runs SQL as the superuser; it has to change something.
func (p *played) exec(query string, args ...any) {
	p.t.Helper()
	res, err := p.super.Exec(query, args...)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		p.t.Fatalf("%s: changed %d rows, %v", query, n, err)
	}
}

// ddl changes the tables themselves.
func (p *played) ddl(query string) {
	p.t.Helper()
	if _, err := p.super.Exec(query); err != nil {
		p.t.Fatal(err)
	}
}

// unlock takes every trigger and every check of the tables away.
func (p *played) unlock() {
	p.t.Helper()
	if _, err := p.super.Exec(`
DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT oid::regclass AS t FROM pg_class WHERE relnamespace IN ('kutse'::regnamespace, 'kutse_keys'::regnamespace) AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER ALL', c.t);
  END LOOP;
  FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE connamespace = 'kutse'::regnamespace AND contype = 'c' AND conislocal LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
  END LOOP;
END $$`); err != nil {
		p.t.Fatal(err)
	}
}

// lock puts the triggers back, so that only what was done to the rows is found.
func (p *played) lock() {
	p.t.Helper()
	if _, err := p.super.Exec(`
DO $$ DECLARE c record; BEGIN
  FOR c IN SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'kutse'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', c.t);
  END LOOP;
  FOR c IN SELECT tgrelid::regclass AS t, tgname FROM pg_trigger WHERE tgname IN ('no_change', 'no_truncate') LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', c.t, c.tgname);
  END LOOP;
END $$`); err != nil {
		p.t.Fatal(err)
	}
}

// record lets the audit rows name what is there now.
func (p *played) record() {
	p.t.Helper()
	ctx := p.t.Context()
	r, err := open(ctx, Options{Database: p.Service})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = r.close() }()
	parts, err := r.page(ctx, "", "", 1000)
	if err == nil {
		err = r.windows(ctx, func(part *facts) error { parts = append(parts, part); return nil })
	}
	if err != nil {
		p.t.Fatal(err)
	}
	for _, part := range parts {
		for name, row := range part.rows {
			stored, _, _ := strings.Cut(name, " of ")
			if len(part.named[name]) == 0 {
				p.exec(`UPDATE audit SET records = array_append(records, $1) WHERE (at, id) = (SELECT at, id FROM audit WHERE at = $2 LIMIT 1)`, stored+" "+row.digest, row.at)
			}
			for _, n := range part.named[name] {
				if n.digest != row.digest {
					p.exec(`UPDATE audit SET records = array_replace(records, $1, $2) WHERE id = $3`, stored+" "+n.digest, stored+" "+row.digest, n.audit)
				}
			}
		}
		for name, by := range part.named {
			stored, _, _ := strings.Cut(name, " of ")
			if _, ok := part.rows[name]; !ok {
				p.exec(`UPDATE audit SET records = array_remove(records, $1) WHERE id = $2`, stored+" "+by[0].digest, by[0].audit)
			}
		}
	}
}

// rewrite changes the body of an event.
func (p *played) rewrite(where string, change func(body, data map[string]any), args ...any) {
	p.t.Helper()
	var e struct{ ID, Body string }
	if err := p.super.Get(&e, `SELECT id, body FROM event WHERE `+where+` ORDER BY at, position LIMIT 1`, args...); err != nil {
		p.t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
		p.t.Fatal(err)
	}
	change(body, body["data"].(map[string]any))
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.exec(`UPDATE event SET body = $2 WHERE id = $1`, e.ID, string(text))
}

// stmt is a tampering that is one statement; $1 is the case, where it is named.
func stmt(query string) func(*played) {
	return func(p *played) {
		p.t.Helper()
		if strings.Contains(query, "$1") {
			p.t.Fatalf("%s: which case?", query)
		}
		p.exec(query)
	}
}

// of is stmt on the case of a candidate, which is $1.
func of(who, query string) func(*played) {
	return func(p *played) { p.t.Helper(); p.exec(query, p.cases[who]) }
}

// all does one after the other.
func all(do ...func(*played)) func(*played) {
	return func(p *played) {
		p.t.Helper()
		for _, d := range do {
			d(p)
		}
	}
}

const (
	// early is the time of an act before every case, for rows that pretend to be of it.
	early  = `(SELECT at FROM audit WHERE act = 'person.add' AND object = 'nele')`
	digest = `'\x0000000000000000000000000000000000000000000000000000000000000000'::bytea`
	// denied is the one verdict in mari's case that something is not yet shown.
	denied = `application = $1 AND outcome = 'not_yet_shown'`
	// firstRound is mari's first round, of B.2.1.
	firstRound = `(SELECT id FROM round WHERE application = $1 ORDER BY position LIMIT 1)`
)

var recordTamperings = []tampering{
	{rule: "record.named", what: "a role that nobody gave", do: stmt(`INSERT INTO person_role VALUES ('kaja', 'cnl', now())`)},
	{rule: "record.named", what: "a row in a case that no act left", in: "mari", do: of("mari", `
INSERT INTO audit_finding (id, application, object, kind, text, actor, at) VALUES (gen_random_uuid(), $1, 'x', 'observation', '\x01', 'nele', now())`)},
	{rule: "record.named", what: "an event that no act left, outside of cases", do: all(
		stmt(`INSERT INTO event (at, id, position, type, order_key, subject, body)
SELECT now(), '01900000-0000-7000-8000-000000000001', 0, type, order_key, subject, body FROM event WHERE type = 'task.claimed.v1' LIMIT 1`),
		func(p *played) {
			var at time.Time
			if err := p.super.Get(&at, `SELECT at FROM event WHERE id = '01900000-0000-7000-8000-000000000001'`); err != nil {
				p.t.Fatal(err)
			}
			p.rewrite(`id = '01900000-0000-7000-8000-000000000001'`, func(body, _ map[string]any) {
				body["id"], body["time"] = "01900000-0000-7000-8000-000000000001", at.UTC()
			})
		})},
	{rule: "record.named", what: "an audit row that names less", in: "juhan", do: of("juhan", `
UPDATE audit SET records = records[2:] WHERE application = $1 AND act = 'evidence.submit'`)},
	{rule: "record.there", what: "a finding taken out", in: "mari", do: of("mari", `
DELETE FROM finding WHERE application = $1 AND competence = 'B.2.15' AND round = `+firstRound)},
	{rule: "record.there", what: "a role taken away", do: stmt(`DELETE FROM person_role WHERE person = 'kalev'`)},
	{rule: "record.there", what: "an event of no case taken out", in: "mari", do: of("mari", `
DELETE FROM event WHERE id = (SELECT e.id FROM event e JOIN audit a ON a.at = e.at WHERE a.application = $1 AND e.type = 'task.claimed.v1' LIMIT 1)`)},
	{rule: "record.there", what: "an audit row that names what never was", in: "juhan", do: of("juhan", `
UPDATE audit SET records = records || ('verdict no-uuid ' || repeat('0', 64))::text WHERE application = $1 AND act = 'application.open'`)},
	{rule: "record.unchanged", what: "another time", in: "mari", do: of("mari", `
UPDATE finding SET at = at + interval '1 microsecond' WHERE application = $1 AND competence = 'B.2.15' AND round = `+firstRound)},
	{rule: "record.unchanged", what: "another legal basis", in: "juhan", do: of("juhan", `UPDATE decision SET legal_basis = 'HMS § 56' WHERE application = $1`)},
	{rule: "record.unchanged", what: "another event", in: "kadri", do: func(p *played) {
		p.rewrite(`application = $1 AND type = 'evidence.submitted.v1'`, func(_, data map[string]any) { data["kind"] = "link" }, p.cases["kadri"])
	}},
	{rule: "record.unchanged", what: "evidence for another indicator", in: "kadri", do: of("kadri", `
UPDATE evidence_link SET competence = 'B.2.9' WHERE item = (SELECT i.id FROM evidence_item i WHERE i.application = $1 AND NOT EXISTS (SELECT 1 FROM verdict v WHERE i.digest = ANY(v.saw)) ORDER BY position LIMIT 1)`)},
	{rule: "record.unchanged", what: "a wider scope", do: stmt(`
INSERT INTO assessor_scope SELECT assessor, standard, 'X.1', at FROM assessor_scope WHERE assessor = 'hanno' AND competence = 'B.2.9'`)},
	{rule: "record.unchanged", what: "another name", do: stmt(`UPDATE person SET name = '\x01' WHERE id = 'kalev'`)},
	{rule: "record.about", what: "another candidate in the audit row", in: "mari", do: of("mari", `
UPDATE audit SET candidate = 'kadri' WHERE application = $1 AND act = 'application.open'`)},
	{rule: "record.about", what: "another standard in the audit row", in: "mari", do: of("mari", `
UPDATE audit SET standard = 'other' WHERE application = $1 AND act = 'application.open'`)},
	{rule: "record.event", what: "another type in the column", in: "mari", do: of("mari", `
UPDATE event SET type = 'task.opened.v1' WHERE application = $1 AND position = 2`)},
	{rule: "record.event", what: "another owner in the column", do: stmt(`
UPDATE event SET order_key = 'kadri' WHERE id = (SELECT id FROM event WHERE type = 'task.claimed.v1' LIMIT 1)`)},
	{rule: "record.event", what: "another time in the body", in: "mari", recorded: true, do: func(p *played) {
		p.rewrite(`application = $1`, func(body, _ map[string]any) { body["time"] = "2020-01-01T00:00:00Z" }, p.cases["mari"])
	}},
	{rule: "record.case", what: "a finding of auditors in no case", do: stmt(`
INSERT INTO audit_finding (id, application, object, kind, text, actor, at) VALUES (gen_random_uuid(), gen_random_uuid(), 'x', 'observation', '\x01', 'nele', now())`)},
	{rule: "record.case", what: "an audit row of no case", do: stmt(`
INSERT INTO audit (at, id, actor, role, act, application, object, position, request, payload) VALUES (now(), gen_random_uuid(), 'kaja', 'com', 'decision.make', gen_random_uuid(), 'x', 1, '', ` + digest + `)`)},
	{rule: "sequence.whole", what: "a fact taken out with its name", in: "mari", recorded: true, do: of("mari", `DELETE FROM event WHERE application = $1 AND position = 7`)},
	{rule: "sequence.whole", what: "a number twice", in: "mari", recorded: true, do: all(
		of("mari", `UPDATE event SET position = 6 WHERE application = $1 AND position = 7`),
		func(p *played) {
			p.rewrite(`application = $1 AND body LIKE '%"0000000007"%'`, func(body, _ map[string]any) { body["sequence"] = "0000000006" }, p.cases["mari"])
		})},
	{rule: "sequence.time", what: "a fact from before the case", in: "mari", recorded: true, do: func(p *played) {
		p.rewrite(`application = $1 AND position = 5`, func(body, _ map[string]any) {
			var at time.Time
			if err := p.super.Get(&at, `SELECT min(at) FROM audit`); err != nil {
				p.t.Fatal(err)
			}
			body["time"] = at.UTC()
			p.exec(`UPDATE event SET at = $2 WHERE application = $1 AND position = 5`, p.cases["mari"], at)
		}, p.cases["mari"])
	}},
	{rule: "receipt.digest", what: "another digest in a case", in: "mari", do: of("mari", `
UPDATE receipt SET digest = `+digest+` WHERE request = (SELECT request FROM audit WHERE application = $1 AND act = 'application.open')`)},
	{rule: "receipt.digest", what: "another digest in the receipt itself", in: "mari", do: of("mari", `
UPDATE receipt SET body = replace(body, '"digest":"', '"digest":"0') WHERE request = (SELECT request FROM audit WHERE application = $1 AND act = 'application.open')`)},
	{rule: "receipt.digest", what: "a receipt taken out, outside of cases", do: stmt(`
DELETE FROM receipt WHERE request = (SELECT request FROM audit WHERE act = 'procedure.load')`)},
	{rule: "receipt.audited", what: "a receipt for nothing", do: stmt(`INSERT INTO receipt VALUES ('mari', 'never', ` + digest + `, '{}', now())`)},
	{rule: "record.versions", what: "another standard under the same digest", in: every, do: stmt(`UPDATE standard SET body = replace(body, 'B.2.3', 'B.2.33')`)},
	{rule: "record.versions", what: "another procedure under the same digest", in: every, do: stmt(`UPDATE procedure SET body = replace(body, '"rounds":3', '"rounds":4')`)},
}

// later puts a checkpoint after the newest one: of the same size, with a root and a
// key of the tamperer's choice.
func later(root func(merkle.Hash) merkle.Hash, known bool) func(*played) {
	return func(p *played) {
		p.t.Helper()
		var c struct {
			Year int
			Size int64
			Root []byte
		}
		if err := p.super.Get(&c, `SELECT year, size, root FROM log_checkpoint ORDER BY size DESC LIMIT 1`); err != nil {
			p.t.Fatal(err)
		}
		skey, vkey, err := merkle.NewKey(merkle.Origin("kutse.test", c.Year))
		if err != nil {
			p.t.Fatal(err)
		}
		signer, err := merkle.NewSigner(skey)
		if err != nil {
			p.t.Fatal(err)
		}
		new := root(merkle.Hash(c.Root))
		signed, err := merkle.Sign(merkle.Checkpoint{Origin: merkle.Origin("kutse.test", c.Year), Size: c.Size, Root: new}, signer)
		if err != nil {
			p.t.Fatal(err)
		}
		p.exec(`INSERT INTO log_checkpoint (year, size, at, root, note) VALUES ($1, $2, now() + interval '1 second', $3, $4)`, c.Year, c.Size, new[:], string(signed.Note))
		if known {
			p.exec(`INSERT INTO log_key VALUES ($1, $2, $3, $4, now())`, c.Year, merkle.Origin("kutse.test", c.Year), vkey, c.Size)
		}
	}
}

// earlier puts a checkpoint of ten entries before the newest one.
func earlier(root func(merkle.Hash) merkle.Hash) func(*played) {
	return func(p *played) {
		p.t.Helper()
		var rows []struct {
			Year int
			Hash []byte
		}
		if err := p.super.Select(&rows, `SELECT year, hash FROM log_entry WHERE year = (SELECT max(year) FROM log_entry) ORDER BY position LIMIT 10`); err != nil {
			p.t.Fatal(err)
		}
		edge := &merkle.Edge{}
		for _, r := range rows {
			edge.Append([]merkle.Hash{merkle.Hash(r.Hash)})
		}
		origin := merkle.Origin("kutse.test", rows[0].Year)
		skey, vkey, err := merkle.NewKey(origin)
		if err != nil {
			p.t.Fatal(err)
		}
		signer, err := merkle.NewSigner(skey)
		if err != nil {
			p.t.Fatal(err)
		}
		new := root(edge.Root())
		signed, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: 10, Root: new}, signer)
		if err != nil {
			p.t.Fatal(err)
		}
		p.exec(`INSERT INTO log_checkpoint (year, size, at, root, note) SELECT $1, 10, min(at), $2, $3 FROM log_checkpoint`, rows[0].Year, new[:], string(signed.Note))
		p.exec(`INSERT INTO log_key VALUES ($1, $2, $3, 10, now())`, rows[0].Year, origin, vkey)
	}
}

// cosign puts a witness's signature under the newest checkpoint, as changed, and of a
// size that is so much larger.
func cosign(change func(body string) string, more int64) func(*played) {
	return func(p *played) {
		p.t.Helper()
		var c struct {
			Year int
			Size int64
			Note string
		}
		if err := p.super.Get(&c, `SELECT year, size, note FROM log_checkpoint ORDER BY size DESC LIMIT 1`); err != nil {
			p.t.Fatal(err)
		}
		public, secret, err := ed25519.GenerateKey(nil)
		if err != nil {
			p.t.Fatal(err)
		}
		key := append([]byte{4}, public...)
		id := sha256.Sum256(append([]byte("witness.test\n"), key...))
		body, _, _ := strings.Cut(c.Note, "\n\n")
		sig := ed25519.Sign(secret, fmt.Appendf(nil, "cosignature/v1\ntime 1700000000\n%s\n", change(body)))
		line := binary.BigEndian.AppendUint64(bytes.Clone(id[:4]), 1700000000)
		p.exec(`INSERT INTO log_cosignature (year, size, witness, note, at) VALUES ($1, $2, $3, $4, now())`, c.Year, c.Size+more,
			fmt.Sprintf("witness.test+%x+%s", id[:4], base64.StdEncoding.EncodeToString(key)),
			"— witness.test "+base64.StdEncoding.EncodeToString(append(line, sig...))+"\n")
	}
}

func same(h merkle.Hash) merkle.Hash    { return h }
func another(h merkle.Hash) merkle.Hash { h[0] ^= 1; return h }

var logTamperings = []tampering{
	{rule: "log.sealed", what: "an audit row put in behind the sealer", sealed: stmt(`
INSERT INTO audit (at, id, actor, role, act, object, position, request, payload) VALUES (now(), gen_random_uuid(), '~kutse', 'system', 'person.add', 'op', 0, '', ` + digest + `)`)},
	{rule: "log.leaf", what: "an audit row changed after it was sealed", sealed: of("mari", `
UPDATE audit SET position = position + 1 WHERE application = $1 AND act = 'application.open'`)},
	{rule: "log.leaf", what: "an audit row that is not there", sealed: stmt(`
UPDATE log_entry SET audit = gen_random_uuid() WHERE position = 0`), options: func(o *Options) { o.SealedIn = 2 * time.Hour }},
	{rule: "log.positions", what: "a place left out", sealed: stmt(`UPDATE log_entry SET position = position + 1 WHERE position = (SELECT max(position) FROM log_entry)`)},
	{rule: "log.nodes", what: "another hash above", sealed: stmt(`UPDATE log_node SET hash = ` + digest)},
	{rule: "log.nodes", what: "a hash above taken out", sealed: stmt(`DELETE FROM log_node`)},
	{rule: "log.late", what: "an act that was dated back", do: all(
		func(p *played) { p.ddl(`SELECT ensure_partitions((now() - interval '40 minutes')::date, 1)`) },
		stmt(`
INSERT INTO audit (at, id, actor, role, act, object, position, request, payload) VALUES (now() - interval '40 minutes', gen_random_uuid(), '~kutse', 'system', 'person.add', 'op', 0, '', `+digest+`)`))},
	{rule: "log.checkpoint", what: "another root signed", sealed: later(another, true)},
	{rule: "log.checkpoint", what: "another root signed once, before the newest", sealed: earlier(another)},
	{rule: "log.signature", what: "an earlier checkpoint that says something else than was signed", sealed: all(earlier(same),
		stmt(`UPDATE log_checkpoint SET note = (SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1) WHERE size = 10`))},
	{rule: "log.cosigned", what: "a witness who signed another checkpoint", sealed: cosign(func(body string) string { return body + "x" }, 0)},
	{rule: "log.cosigned", what: "a witness who signed a checkpoint that the log does not have", sealed: cosign(func(body string) string { return body }, 7)},
	{rule: "log.signature", what: "a key that is not the log's", sealed: later(same, false)},
	{rule: "log.told", what: "an announcement of another checkpoint", sealed: func(p *played) {
		p.rewrite(`type = 'checkpoint.signed.v1'`, func(_, data map[string]any) { data["signed"] = "something else" })
	}},
	{rule: "record.guarded", what: "a table that can be changed", unlocked: func(p *played) { p.ddl(`ALTER TABLE verdict DISABLE TRIGGER no_change`) }},
	{rule: "record.guarded", what: "a table that can be emptied", unlocked: func(p *played) { p.ddl(`DROP TRIGGER no_truncate ON decision`) }},
	{rule: "record.guarded", what: "a month that can be changed by a setting", unlocked: func(p *played) {
		var month string
		if err := p.super.Get(&month, `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit'::regclass LIMIT 1`); err != nil {
			p.t.Fatal(err)
		}
		p.ddl(`ALTER TABLE ` + month + ` ENABLE TRIGGER no_change`)
	}},
}

var assessmentTamperings = []tampering{
	{rule: "assessment.own", what: "a candidate who judges", in: "mari", recorded: true, do: all(
		stmt(`INSERT INTO person_role VALUES ('mari', 'asr', `+early+`)`),
		stmt(`INSERT INTO assessor_scope SELECT 'mari', standard, competence, `+early+` FROM assessor_scope WHERE assessor = 'hanno'`),
		of("mari", `UPDATE verdict SET assessor = 'mari' WHERE application = $1 AND round = `+firstRound),
	)},
	{rule: "assessment.scope", what: "somebody who is no assessor", in: "mari", recorded: true, do: of("mari", `
UPDATE verdict SET assessor = 'nele' WHERE application = $1 AND round = `+firstRound)},
	{rule: "assessment.scope", what: "an assessor of something else", in: "mari", recorded: true, do: stmt(`
DELETE FROM assessor_scope WHERE assessor = 'hanno' AND competence = 'B.2.3'`)},
	{rule: "assessment.scope", what: "an assessor who became one later", in: "mari", recorded: true, do: stmt(`
UPDATE assessor_scope SET at = (SELECT max(at) FROM audit WHERE application IS NULL) WHERE assessor = 'hanno' AND competence = 'B.2.3'`)},
	{rule: "assessment.open", what: "a verdict after its round closed", in: "mari", recorded: true, do: of("mari", `
UPDATE round_closed SET position = position - 2 WHERE round = `+firstRound)},
	{rule: "assessment.asked", what: "another context", in: "mari", recorded: true, do: of("mari", `
UPDATE verdict SET context = 'B.2.9' WHERE context = 'B.2.1' AND application = $1 AND ordinal = 1`)},
	{rule: "assessment.asked", what: "an indicator that the round does not ask", in: "peeter", recorded: true, do: of("peeter", `
UPDATE round SET offered = '{}' WHERE application = $1 AND competence = 'B.2.1'`)},
	{rule: "assessment.saw", what: "evidence left out", in: "mari", recorded: true, do: of("mari", `UPDATE verdict SET saw = saw[2:] WHERE application = $1 AND context IS NULL AND round = `+firstRound)},
	{rule: "assessment.saw", what: "evidence that is not there", in: "mari", recorded: true, do: of("mari", `UPDATE verdict SET saw = saw || `+digest+` WHERE application = $1 AND round = `+firstRound)},
	{rule: "assessment.saw", what: "evidence that was not frozen", in: "mari", recorded: true, do: of("mari", `
DELETE FROM round_evidence WHERE round = `+firstRound+` AND item = (SELECT min(item::text)::uuid FROM round_evidence WHERE round = `+firstRound+`)`)},
	{rule: "assessment.reason", what: "not yet, and no reason", in: "mari", recorded: true, do: of("mari", `UPDATE verdict SET reason = NULL WHERE `+denied)},
	{rule: "assessment.reads", what: "a reason that does not open", in: "mari", recorded: true, do: of("mari", `UPDATE verdict SET reason = '\x0102030405' WHERE `+denied)},
	{rule: "assessment.reads", what: "a blank reason", in: "mari", recorded: true, do: func(p *played) {
		var id string
		if err := p.super.Get(&id, `SELECT id FROM verdict WHERE `+denied, p.cases["mari"]); err != nil {
			p.t.Fatal(err)
		}
		p.exec(`UPDATE verdict SET reason = $2 WHERE id = $1`, id, p.seal("mari", "verdict."+id, " \n"))
	}},
	{rule: "assessment.closed", what: "a round that two judged by halves", in: "mari", recorded: true, do: of("mari", `
UPDATE verdict SET assessor = 'hanno' WHERE application = $1 AND context IS NULL AND ordinal = 1 AND round = `+firstRound)},
	{rule: "finding.right", what: "met, and it was not", in: "juhan", recorded: true, do: of("juhan", `
UPDATE finding SET met = true, open = '{}' WHERE application = $1 AND competence = 'B.2.1'`)},
	{rule: "finding.right", what: "an open indicator left out", in: "juhan", recorded: true, do: of("juhan", `
UPDATE finding SET open = open[2:] WHERE application = $1 AND competence = 'B.2.15'`)},
	{rule: "finding.pinned", what: "under another procedure", in: "juhan", recorded: true, do: of("juhan", `UPDATE finding SET procedure = `+digest+` WHERE application = $1`)},
}

// seal seals under a person's key, as a program could that has the key.
func (p *played) seal(who, field, text string) []byte {
	p.t.Helper()
	store, err := openStore(p.Service)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	sealed, err := store.Sealer().Seal(person.ID(who), field, []byte(text))
	if err != nil {
		p.t.Fatal(err)
	}
	return sealed
}

// files are the evidence files of a candidate on disk.
func (p *played) files(who string) []string {
	p.t.Helper()
	p.ownFiles()
	found, err := filepath.Glob(filepath.Join(p.blobs, who, "??", "*"))
	if err != nil || len(found) == 0 {
		p.t.Fatalf("files of %s: %v, %v", who, found, err)
	}
	return found
}

var evidenceTamperings = []tampering{
	{rule: "evidence.recorded", what: "a file in no table", in: "mari", recorded: true, do: stmt(`DELETE FROM blob WHERE person = 'mari'`)},
	{rule: "evidence.recorded", what: "a file of another size", in: "mari", recorded: true, do: stmt(`UPDATE blob SET size = size + 1 WHERE person = 'mari'`)},
	{rule: "evidence.text", what: "a text that does not open", in: "mari", recorded: true, do: of("mari", `
UPDATE evidence_item SET content = '\x01020304' WHERE application = $1 AND kind = 'link'`)},
	{rule: "evidence.text", what: "another text of the same length", in: "mari", recorded: true, do: func(p *played) {
		var i struct {
			ID   string
			Size int
		}
		if err := p.super.Get(&i, `SELECT id, size FROM evidence_item WHERE application = $1 AND kind = 'link'`, p.cases["mari"]); err != nil {
			p.t.Fatal(err)
		}
		p.exec(`UPDATE evidence_item SET content = $2 WHERE id = $1`, i.ID, p.seal("mari", "evidence."+i.ID, strings.Repeat("x", i.Size)))
	}},
	{rule: "evidence.file", what: "a file that is gone", in: "mari", do: func(p *played) {
		if err := os.Remove(p.files("mari")[0]); err != nil {
			p.t.Fatal(err)
		}
	}},
	{rule: "evidence.file", what: "a file with one byte changed", in: "mari", do: func(p *played) {
		name := p.files("mari")[0]
		b, err := os.ReadFile(name)
		if err != nil {
			p.t.Fatal(err)
		}
		b[len(b)-40] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}},
}

var awardTamperings = []tampering{
	{rule: "award.proposed", what: "a refusal where all is shown", in: "mari", recorded: true, do: of("mari", `UPDATE proposal SET outcome = 'refuse' WHERE application = $1 AND number = 1`)},
	{rule: "award.proposed", what: "an award where something is lacking", in: "juhan", recorded: true, do: of("juhan", `UPDATE proposal SET outcome = 'award' WHERE application = $1`)},
	{rule: "award.basis", what: "other verdicts", in: "mari", recorded: true, do: of("mari", `UPDATE proposal SET basis = `+digest+` WHERE application = $1`)},
	{rule: "award.decision", what: "under another procedure", in: "mari", recorded: true, do: of("mari", `UPDATE decision SET procedure = `+digest+` WHERE application = $1`)},
	{rule: "award.decision", what: "on a proposal that is not there", in: "mari", recorded: true, do: of("mari", `UPDATE decision SET proposal = gen_random_uuid() WHERE application = $1`)},
	{rule: "award.committee", what: "somebody who is no member", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET member = 'nele' WHERE application = $1`)},
	{rule: "award.apart", what: "an assessor who decides", in: "juhan", recorded: true, do: all(
		stmt(`INSERT INTO person_role VALUES ('hilja', 'com', `+early+`)`),
		of("juhan", `UPDATE decision SET member = 'hilja' WHERE application = $1`))},
	{rule: "award.apart", what: "a candidate who decides", in: "juhan", recorded: true, do: all(
		stmt(`INSERT INTO person_role VALUES ('juhan', 'com', `+early+`)`),
		of("juhan", `UPDATE decision SET member = 'juhan' WHERE application = $1`))},
	{rule: "award.grounds", what: "not reviewed", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET reviewed = false WHERE application = $1`)},
	{rule: "award.grounds", what: "no grounds", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET grounds = '' WHERE application = $1`)},
	{rule: "award.grounds", what: "a provision that is none of the procedure", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET legal_basis = 'because' WHERE application = $1`)},
	{rule: "award.reads", what: "grounds that do not open", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET grounds = '\x01020304' WHERE application = $1`)},
	{rule: "award.reads", what: "a reason that does not open", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET reasons[1] = '\x01020304' WHERE application = $1`)},
	{rule: "award.refusal", what: "a reason too few", in: "juhan", recorded: true, do: of("juhan", `
UPDATE decision SET unmet = unmet[:cardinality(unmet) - 1], reasons = reasons[:cardinality(reasons) - 1] WHERE application = $1`)},
	{rule: "award.refusal", what: "an empty reason", in: "juhan", recorded: true, do: of("juhan", `UPDATE decision SET reasons[1] = '' WHERE application = $1`)},
	{rule: "award.met", what: "an award after a return, and nothing assessed again", in: "mari", recorded: true, do: of("mari", `
UPDATE decision SET position = (SELECT position FROM proposal WHERE application = $1 AND number = 2) WHERE application = $1 AND outcome = 'return'`)},
	{rule: "register.decision", what: "an entry on a return", in: "mari", recorded: true, do: of("mari", `
UPDATE register_entry SET decision = (SELECT id FROM decision WHERE application = $1 AND outcome = 'return') WHERE application = $1`)},
	{rule: "register.decision", what: "an entry of somebody else", in: "mari", recorded: true, do: of("mari", `UPDATE register_entry SET candidate = 'juhan' WHERE application = $1`)},
	{rule: "register.decision", what: "an entry on no decision", in: "mari", recorded: true, do: of("mari", `UPDATE register_entry SET decision = gen_random_uuid() WHERE application = $1`)},
	{rule: "register.validity", what: "a day longer", in: "mari", recorded: true, do: of("mari", `UPDATE register_entry SET valid_to = valid_to + 1 WHERE application = $1`)},
	{rule: "register.number", what: "a number that was taken out", do: stmt(`UPDATE register_counter SET last = 2 WHERE type = 1`)},
	{rule: "register.number", what: "a number that is none", recorded: true, do: func(p *played) {
		p.exec(`UPDATE register_entry SET number = '1-7'`)
		p.rewrite(`type = 'qualification.registered.v1'`, func(_, data map[string]any) { data["number"] = "1-7" })
	}},
}

var stateTamperings = []tampering{
	{rule: "state.follows", what: "registered, and set back", in: "mari", do: of("mari", `UPDATE application SET state = 'proposed' WHERE id = $1`)},
	{rule: "state.follows", what: "still assessing, and called awarded", in: "peeter", do: of("peeter", `UPDATE application SET state = 'awarded' WHERE id = $1`)},
	{rule: "state.position", what: "a number ahead", in: "mari", do: of("mari", `UPDATE application SET position = position + 1 WHERE id = $1`)},
	{rule: "state.task", what: "a task about something else", in: "peeter", do: of("peeter", `UPDATE task SET competence = 'B.2.9' WHERE application = $1`)},
	{rule: "state.task", what: "a task held by its candidate", in: "peeter", do: of("peeter", `UPDATE task SET assessor = 'peeter' WHERE application = $1 AND state = 'open'`)},
	{rule: "state.task", what: "a closed round whose task is open", in: "mari", do: of("mari", `UPDATE task SET state = 'open' WHERE application = $1`)},
	{rule: "state.countable", what: "a decision announced otherwise", in: "juhan", recorded: true, do: func(p *played) {
		p.rewrite(`application = $1 AND type = 'award.decided.v1'`, func(_, data map[string]any) { data["outcome"] = "award" }, p.cases["juhan"])
	}},
	{rule: "state.countable", what: "an entry announced otherwise", in: "mari", recorded: true, do: func(p *played) {
		p.rewrite(`application = $1 AND type = 'qualification.registered.v1'`, func(_, data map[string]any) { data["number"] = "1-000002" }, p.cases["mari"])
	}},
}

var erasureTamperings = []tampering{
	{rule: "erasure.key", what: "a tombstone, and the key is there", recorded: true, do: stmt(`
INSERT INTO erasure SELECT 'kalev', 'order', '\x01', actor, at FROM erasure`)},
	{rule: "erasure.keyless", what: "a key that is lost", do: stmt(`DELETE FROM kutse_keys.data_key WHERE person = 'kalev'`)},
	{rule: "erasure.keyless", what: "a candidate's key that is lost", do: stmt(`DELETE FROM kutse_keys.data_key WHERE person = 'peeter'`)},
	{rule: "erasure.act", what: "acts after an erasure", recorded: true, do: all(
		stmt(`DELETE FROM kutse_keys.data_key WHERE person = 'hanno'`),
		stmt(`INSERT INTO erasure SELECT 'hanno', 'order', '\x01', 'nele', `+early))},
}

// An act that is like others but for one thing; %s is what an act like it leaves.
const forged = `
INSERT INTO audit (at, id, actor, role, act, application, candidate, standard, object, position, request, payload, records)
SELECT at, gen_random_uuid(), %s FROM audit WHERE application = $1 AND act = 'decision.make' LIMIT 1`

var auditTamperings = []tampering{
	{rule: "audit.real", what: "an act of nobody", in: "juhan", do: of("juhan", fmt.Sprintf(forged,
		`'nobody-known', 'com', 'decision.make', application, candidate, standard, 'x', 0, '', payload, '{}'::text[]`))},
	{rule: "audit.real", what: "an act in a role that its actor never had", in: "juhan", do: of("juhan", `
UPDATE audit SET role = 'cand' WHERE application = $1 AND act = 'decision.make'`)},
	{rule: "audit.real", what: "an act before its actor had the role", recorded: true, do: stmt(`
UPDATE person_role SET at = (SELECT at + interval '1 hour' FROM audit WHERE act = 'procedure.load') WHERE person = 'op'`)},
	{rule: "audit.real", what: "an act that there is not", in: "juhan", do: of("juhan", `
UPDATE audit SET act = 'decision.change' WHERE application = $1 AND act = 'decision.make'`)},
	{rule: "audit.real", what: "an act of another role's", in: "juhan", do: of("juhan", `
UPDATE audit SET act = 'evidence.submit' WHERE application = $1 AND act = 'decision.make'`)},
	{rule: "audit.real", what: "an act at no request", in: "juhan", do: all(
		of("juhan", `DELETE FROM receipt WHERE request = (SELECT request FROM audit WHERE application = $1 AND act = 'decision.make')`),
		of("juhan", `UPDATE audit SET request = '' WHERE application = $1 AND act = 'decision.make'`))},
	{rule: "audit.real", what: "an act that recorded nothing", in: "juhan", do: of("juhan", fmt.Sprintf(forged,
		`'~kutse', 'system', 'competence.weigh', application, candidate, standard, 'x', 0, '', payload, '{}'::text[]`))},
	{rule: "audit.real", what: "an act of the system by somebody", in: "juhan", do: of("juhan", fmt.Sprintf(forged,
		`'kaja', 'system', 'award.propose', application, candidate, standard, 'x', 0, '', payload, records`))},
	{rule: "audit.real", what: "an act of a case in none", do: stmt(`
INSERT INTO audit (at, id, actor, role, act, object, position, request, payload) VALUES (now(), gen_random_uuid(), '~kutse', 'system', 'award.propose', 'x', 0, '', ` + digest + `)`)},
	{rule: "sample.drawn", what: "another seed", recorded: true, do: stmt(`UPDATE sample_draw SET seed = ` + digest)},
	{rule: "sample.drawn", what: "cases that somebody picked", recorded: true, do: stmt(`UPDATE sample_draw SET cases = ARRAY[cases[2], cases[1]]`)},
	{rule: "sample.drawn", what: "a period from before the commitment", recorded: true, do: stmt(`UPDATE sample_draw SET since = since - interval '1 hour'`)},
	{rule: "sample.drawn", what: "fewer cases to draw from", recorded: true, do: stmt(`UPDATE sample_draw SET population = population - 1`)},
	{rule: "sample.drawn", what: "another list of cases to draw from", recorded: true, do: stmt(`UPDATE sample_draw SET digest = ` + digest)},
	{rule: "sample.drawn", what: "a case that was taken out of the period", recorded: true, do: stmt(`
UPDATE sample_draw SET until = (SELECT max(opened_at) FROM application)`)},
}

// Every act that a person or a workflow does is known here, and no other.
func TestEveryActIsKnown(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	called := regexp.MustCompile(`(?:s\.act|s\.actOn|s\.systemAct)\(ctx, (?:a, )?(?:"([a-z.-]+)"|makeCaseFile)`)
	there := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range called.FindAllSubmatch(text, -1) {
			there[cmp.Or(string(m[1]), "casefile.make")] = true
		}
	}
	if got, want := slices.Sorted(maps.Keys(acts)), slices.Sorted(maps.Keys(there)); !slices.Equal(got, want) {
		t.Errorf("known are %v, and there are %v", got, want)
	}
}

// A witness's signature under a checkpoint of the log is found to be one.
func TestAWitnessedLogHasNoFaults(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.sealLog()
	cosign(func(body string) string { return body }, 0)(p)
	earlier(same)(p)
	if _, faults := p.check(); len(faults) > 0 {
		t.Errorf("found %v; want nothing", faults)
	}
}

// names keeps the lists above honest: what they name is a rule.
func TestTamperingsNameRules(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range rules() {
		known[r.name] = true
	}
	for _, x := range slices.Concat(recordTamperings, logTamperings, assessmentTamperings, evidenceTamperings, awardTamperings, stateTamperings, auditTamperings, erasureTamperings) {
		if !known[x.rule] {
			t.Errorf("%s (%s) is no rule; rules are %v", x.rule, x.what, slices.Sorted(maps.Keys(known)))
		}
	}
}
