package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

// A digest that nobody can recompute from the stored rows proves nothing. This
// recomputes each from what PostgreSQL says, in code of its own.
func TestEachRecordedRowHasTheDigestThatItsAuditRowNames(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.assess("B.2.8", assessment.NotYetShown)
	s.sampleAndFind()
	s.export(newRing(t))
	s.eraseWithAHold()
	db := connect(t, s.DB.Superuser)
	var records []string
	if err := db.Select(&records, `SELECT unnest(records) FROM audit`); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range records {
		kind, rest, _ := strings.Cut(r, " ")
		id, digest, _ := strings.Cut(rest, " ")
		seen[kind]++
		if got := storedDigest(t, db, kind, id); got != digest {
			t.Errorf("%s %s: the row has the digest %s, its audit row names %s", kind, id, got, digest)
		}
	}
	for _, kind := range []string{"person", "person_role", "assessor_scope", "standard", "procedure", "application", "evidence_item", "round", "verdict", "round_closed", "finding", "event", "legal_hold", "legal_hold_lifted", "erasure", "audit_finding", "sample", "sample_draw", "blob", "case_file", "prior_assessment"} {
		if seen[kind] == 0 {
			t.Errorf("no audit row names a %s; the kinds are %v", kind, seen)
		}
	}
}

// sampleAndFind draws two samples, of all cases and of one standard, since a column
// is NULL for the first, and files an audit finding.
func (s *story) sampleAndFind() {
	s.t.Helper()
	s.must(s.FileAuditFinding(s.ctx, postgrestest.Auditor, s.finding("The grounds repeat the proposal.")))
	now := time.Now()
	for n, standard := range []string{"", itManager} {
		s.Clock.Set(now.Add(time.Duration(n) * time.Hour))
		committed := s.must(s.CommitSample(s.ctx, postgrestest.Auditor, request.CommitSample{Acting: postgrestest.NewID(), Title: "internal audit"}))
		s.open([]postgres.Actor{postgrestest.Other, postgrestest.Judged}[n])
		until := committed.At.Add(time.Minute)
		s.Clock.Set(until.Add(time.Minute))
		s.must(s.DrawSample(s.ctx, postgrestest.Auditor, request.DrawSample{
			Acting: postgrestest.NewID(), Sample: committed.Record, Standard: standard, From: committed.At, To: until, Size: 5,
		}))
	}
}

// keys says by which columns an id names a row, in its order.
var keys = map[string][]string{
	"person_role": {"person", "role"}, "finding": {"round", "competence"}, "round_closed": {"round"}, "proposal_overdue": {"proposal"},
	"register_entry": {"number"}, "standard": {"digest"}, "procedure": {"digest"}, "blob": {"person", "address"},
	"sample_draw": {"sample"}, "erasure": {"person"}, "legal_hold_lifted": {"hold"},
}

func storedDigest(t *testing.T, db *sqlx.DB, kind, id string) string {
	t.Helper()
	if kind == "event" {
		var body string
		if err := db.Get(&body, `SELECT body FROM event WHERE id = $1`, id); err != nil {
			t.Fatal(err)
		}
		return canon.Sum([]byte(body)).String()
	}
	query, args := rowQuery(kind, id)
	var text string
	if err := db.Get(&text, query, args...); err != nil {
		t.Fatalf("%s %s: %v", kind, id, err)
	}
	var columns map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&columns); err != nil {
		t.Fatal(err)
	}
	for name, v := range columns {
		switch plain := plainColumn(v); {
		case plain == nil:
			delete(columns, name)
		case (kind == "standard" || kind == "procedure") && name == "body":
			delete(columns, name) // the digest column is of it
		default:
			columns[name] = plain
		}
	}
	digest, err := canon.DigestOf(columns)
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func rowQuery(kind, id string) (string, []any) {
	switch kind {
	case "assessor_scope":
		assessor, standard, _ := strings.Cut(id, "/")
		return `SELECT jsonb_build_object('assessor', assessor, 'standard', standard, 'at', at, 'competences', jsonb_agg(competence ORDER BY competence COLLATE "C"))
  FROM assessor_scope WHERE assessor = $1 AND encode(standard, 'hex') = $2 GROUP BY assessor, standard, at`, []any{assessor, standard}
	case "evidence_item":
		return `SELECT to_jsonb(i) || jsonb_build_object('indicators', (SELECT jsonb_agg(competence || '/' || ordinal ORDER BY competence COLLATE "C", ordinal) FROM evidence_link WHERE item = i.id))
  FROM evidence_item i WHERE id = $1`, []any{id}
	case "round":
		return `SELECT to_jsonb(r) || jsonb_build_object('evidence', (SELECT jsonb_agg(item || ' ' || competence || '/' || ordinal
    ORDER BY (item || ' ' || competence || '/' || ordinal) COLLATE "C") FROM round_evidence WHERE round = r.id))
  FROM round r WHERE id = $1`, []any{id}
	case "application":
		return `SELECT to_jsonb(a) - 'state' - 'position' FROM application a WHERE id = $1`, []any{id}
	}
	by, ok := keys[kind]
	if !ok {
		by = []string{"id"}
	}
	var where []string
	var args []any
	for i, part := range strings.Split(id, "/") {
		column := by[i] + "::text"
		if by[i] == "digest" || by[i] == "address" {
			column = "encode(" + by[i] + ", 'hex')"
		}
		where, args = append(where, fmt.Sprintf("%s = $%d", column, i+1)), append(args, part)
	}
	return fmt.Sprintf("SELECT to_jsonb(t) FROM %s t WHERE %s", pq.QuoteIdentifier(kind), strings.Join(where, " AND ")), args
}

// plainColumn writes what to_jsonb gives as the record's digests have it.
func plainColumn(v any) any {
	switch v := v.(type) {
	case string:
		if hex, ok := strings.CutPrefix(v, `\x`); ok {
			return hex
		}
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	case []any:
		for i := range v {
			v[i] = plainColumn(v[i])
		}
	}
	return v
}

// What is asked may hold names and free text, so its digest is salted; with the
// salt of the receipt, whoever asked can recompute it.
func TestAReceiptLetsTheAskerRecomputeItsDigest(t *testing.T) {
	t.Parallel()
	s := begin(t)
	req := s.text("Ma juhtisin hanget", "B.2.8/1")
	r := s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, req))
	asked, err := canon.JSON(map[string]any{"act": "evidence.submit", "request": req})
	if err != nil {
		t.Fatal(err)
	}
	if want := canon.SaltedSum(r.Salt, asked); r.Digest != want || r.Salt == (canon.Salt{}) {
		t.Errorf("digest %s with salt %s, want %s", r.Digest, r.Salt, want)
	}
	if again := s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, req)); again.Salt != r.Salt || again.Digest != r.Digest {
		t.Errorf("the same request again: digest %s, salt %s; want %s, %s", again.Digest, again.Salt, r.Digest, r.Salt)
	}
	var stored string
	db := connect(t, s.DB.Superuser)
	if err := db.Get(&stored, `SELECT body FROM receipt WHERE request = $1`, req.ID); err != nil || strings.Contains(stored, r.Salt.String()) {
		t.Errorf("the stored receipt is %s, %v; want it without the salt", stored, err)
	}
	list, err := s.Evidence(s.ctx, postgrestest.Candidate, request.EvidencePage{Application: s.app})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list.Items, func(i request.EvidenceItem) bool { return string(i.Item) == r.Record })
	item, sum := list.Items[i], canon.Sum([]byte(req.Text))
	if want := canon.SaltedSum(item.Salt, sum[:]); item.Digest != want {
		t.Errorf("evidence has the digest %s, want %s from its salt and its text", item.Digest, want)
	}
}
