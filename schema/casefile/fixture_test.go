package casefile_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/procedure"
)

const origin = "kutse.example.ee"

// key is a key pair that is the same in every run, so that the bytes of an
// archive are, too.
type key struct {
	note.Signer
	vkey string
}

func newKey(t testing.TB, name string, seed byte) key {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	skey := "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...))
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return key{signer, vkey}
}

// leaves keeps the level 0 of a small log.
type leaves []merkle.Hash

// uuid is the nth id of a kind.
func uuid(kind, n int) string { return fmt.Sprintf("0197a000-00%02d-7000-8000-%012d", kind, n) }

var tallinn = time.FixedZone("EET", 2*3600)

var start = time.Date(2026, 3, 27, 8, 0, 0, 123456000, time.UTC)

func after(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func salt(n int) canon.Salt { return canon.Salt(canon.Sum([]byte{'s', byte(n)})) }

func salted(s canon.Salt, b []byte) canon.Digest {
	sum := canon.Sum(b)
	return canon.Sum(append(bytes.Clone(s[:]), sum[:]...))
}

// sample is a case file and what it is signed with.
type sample struct {
	casefile.File
	signer, log key
	bytes       map[evidence.ItemID][]byte
}

const statement = "Õpetasin sõpradele žürii tööd: äärmiselt ülevaatlik, öövaikuses.\n<script>alert('x')</script>"

// newSample is a whole case: three pieces of evidence, two rounds, a verdict that
// a later one stands over, a refusal to think of and an award.
func newSample(t testing.TB) *sample {
	t.Helper()
	s := &sample{signer: newKey(t, origin, 1), log: newKey(t, merkle.Origin(origin, 2026), 2), bytes: map[evidence.ItemID][]byte{}}
	std := smallStandard()
	// not the default procedure: the golden files must not change with it
	proc := procedure.Procedure{Key: "proov-kord", Version: "1", Title: "Proovijate kutse andmise kord", AwardingBody: "Proovijate Liit"}
	s.Standard, s.Procedure = canonical(t, std), canonical(t, proc)
	s.Keys = []string{s.log.vkey, s.signer.vkey}
	s.Salts = map[string]canon.Salt{}
	s.File.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(s.bytes[e.ID])), nil
	}
	one, two := indicator("B.2.3/1"), indicator("B.2.3/2")
	closed := after(40)
	s.Case = casefile.Case{
		Format: casefile.Format, Origin: origin, ExportedAt: after(1000), Application: application.ID(uuid(1, 1)),
		Candidate: casefile.Candidate{ID: "c-7f3a", Name: "Õnne Žürii-Põld", Contact: "onne@näide.ee"},
		Standard:  casefile.Version{Key: std.Key, Version: std.Version, Digest: canon.Sum(s.Standard), Name: std.Name()},
		Procedure: casefile.Version{Key: proc.Key, Version: proc.Version, Digest: canon.Sum(s.Procedure), Name: proc.Title},
		State:     application.Registered, OpenedAt: after(0),
		Rounds: []casefile.Round{{
			ID: assessment.RoundID(uuid(3, 1)), Competence: "B.2.3", Number: 1, Asked: []catalogue.IndicatorID{one, two},
			Offered: []catalogue.IndicatorID{indicator("B.2.9/1")}, At: after(20), ClosedAt: &closed,
		}},
		Findings:  []casefile.Finding{{Round: assessment.RoundID(uuid(3, 1)), Competence: "B.2.3", Met: true, At: after(41)}},
		Proposals: []casefile.Proposal{{ID: award.ProposalID(uuid(5, 1)), Number: 1, Outcome: award.Award, Basis: canon.Sum([]byte("verdicts")), DueAt: after(90000), At: after(42)}},
		Decisions: []casefile.Decision{{
			ID: award.DecisionID(uuid(6, 1)), Proposal: award.ProposalID(uuid(5, 1)), Outcome: award.Award, Member: "com-1", Grounds: "Kõik on tõendatud.",
			LegalBasis: "KutS § 18", Challenge: "within 30 days of learning of it, to the council", At: after(50),
		}},
		Entry: &casefile.Entry{Number: "1-000042", Type: 1, Decision: award.DecisionID(uuid(6, 1)), ValidFrom: "2026-03-27", ValidTo: "2031-03-26", At: after(51)},
		Prior: []casefile.Prior{{
			ID: uuid(8, 1), Origin: "teine.example.ee", Application: application.ID(uuid(1, 9)), At: after(5),
			Standard: casefile.Version{Key: "vana", Version: "1", Digest: canon.Sum([]byte("vana")), Name: "Vana standard"},
		}},
	}
	s.add(1, evidence.Text, "", []byte(statement), one, two)
	s.add(2, evidence.Link, "", []byte("https://näide.ee/töö?a=1&b=2"), one)
	s.add(3, evidence.File, "application/pdf", []byte("%PDF-1.7\x00\xff õ"), two)
	for _, e := range s.Case.Evidence {
		for _, id := range e.Indicators {
			s.Case.Rounds[0].Evidence = append(s.Case.Rounds[0].Evidence, casefile.Frozen{Item: e.ID, Indicator: id})
		}
	}
	s.judge(1, one, "", assessment.NotYetShown, "Näidis puudub, öelge täpsemalt.")
	s.judge(2, one, "", assessment.Shown, "")
	s.judge(3, two, "", assessment.Shown, "Väga hea.")
	s.judge(4, indicator("B.2.9/1"), "B.2.3", assessment.Shown, "")
	s.record(t)
	return s
}

func smallStandard() *catalogue.Standard {
	statements := func(texts ...string) (list []catalogue.Statement) {
		for i, text := range texts {
			list = append(list, catalogue.Statement{Ordinal: i + 1, Text: text, Kind: catalogue.IndicatorStatement, Assessable: true})
		}
		return list
	}
	return &catalogue.Standard{
		Key: "proov-7", Version: "2", Scheme: catalogue.EstQF, Title: "Proovija, tase 7", Designation: "08-10052023-1.1/7k",
		Award: catalogue.AwardRule{Required: []string{"kohustuslikud"}, Recurring: []string{"labivad"}},
		Groups: []catalogue.Group{
			{Key: "kohustuslikud", Title: "Kohustuslikud kompetentsid", Kind: catalogue.Mandatory, Competences: []catalogue.Competence{
				{Code: "B.2.3", Title: "Õpetamine", Statements: statements("juhendab töötajaid", "hindab tulemusi")},
				{Code: "B.2.10", Title: "Arendus", Statements: statements("arendab")},
			}},
			{Key: "labivad", Title: "Läbivad kompetentsid", Kind: catalogue.Recurring, Competences: []catalogue.Competence{
				{Code: "B.2.9", Title: "Läbiv", Statements: statements("suhtleb")},
			}},
		},
	}
}

func canonical(t testing.TB, v any) []byte {
	t.Helper()
	b, err := canon.JSON(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func indicator(s string) catalogue.IndicatorID {
	id, err := catalogue.ParseIndicatorID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func (s *sample) add(n int, kind evidence.Kind, mediaType string, content []byte, indicators ...catalogue.IndicatorID) {
	id := evidence.ItemID(uuid(2, n))
	sa := salt(n)
	item := casefile.EvidenceItem{
		ID: id, Kind: kind, Indicators: indicators, Digest: salted(sa, content), Salt: &sa, Size: int64(len(content)),
		MediaType: mediaType, At: after(n), File: casefile.EvidencePath(id, kind, mediaType),
	}
	switch kind {
	case evidence.Text:
		item.Text = string(content)
	case evidence.Link:
		item.Link = string(content)
	case evidence.File:
	}
	s.Case.Evidence = append(s.Case.Evidence, item)
	s.Salts["evidence."+string(id)] = sa
	s.bytes[id] = content
}

func (s *sample) judge(n int, id catalogue.IndicatorID, context string, outcome assessment.Outcome, reason string) {
	v := casefile.Verdict{
		ID: uuid(4, n), Round: s.Case.Rounds[0].ID, Indicator: id, Context: context, Outcome: outcome, Reason: reason, Assessor: "asr-1", At: after(30 + n),
	}
	for _, e := range s.Case.Evidence {
		for _, i := range e.Indicators {
			if i == id {
				v.Saw = append(v.Saw, e.Digest)
			}
		}
	}
	s.Case.Verdicts = append(s.Case.Verdicts, v)
}

// record writes the audit rows, events, entries and proofs that the case would
// have, into a log that has other entries before and between.
func (s *sample) record(t testing.TB) {
	t.Helper()
	s.Case.Timeline, s.Entries, s.Events, s.Rows, s.Proofs = nil, nil, nil, nil, map[string][]byte{}
	for _, e := range s.Case.Evidence {
		s.act(t, "submit evidence", "c-7f3a", "evidence_item", string(e.ID), e.At,
			map[string]any{"type": "evidence.submitted.v1", "data": map[string]any{"item": e.ID, "kind": e.Kind, "digest": e.Digest}})
	}
	for _, r := range s.Case.Rounds {
		s.act(t, "hand in", "c-7f3a", "round", string(r.ID), r.At, nil)
	}
	for _, v := range s.Case.Verdicts {
		s.act(t, "give verdict", string(v.Assessor), "verdict", v.ID, v.At, nil)
	}
	for _, f := range s.Case.Findings {
		s.act(t, "weigh", "~kutse", "finding", string(f.Round)+"/"+f.Competence, f.At, nil)
	}
	for _, p := range s.Case.Proposals {
		s.act(t, "propose", "~kutse", "proposal", string(p.ID), p.At,
			map[string]any{"type": "award.proposed.v1", "data": map[string]any{"proposal": p.ID, "outcome": p.Outcome, "basis": p.Basis}})
	}
	for _, d := range s.Case.Decisions {
		s.act(t, "decide", string(d.Member), "decision", string(d.ID), d.At,
			map[string]any{"type": "award.decided.v1", "data": map[string]any{"proposal": d.Proposal, "decision": d.ID, "outcome": d.Outcome}})
	}
	if e := s.Case.Entry; e != nil {
		s.act(t, "register", "~kutse", "register_entry", e.Number, e.At, map[string]any{
			"type": "qualification.registered.v1",
			"data": map[string]any{"decision": e.Decision, "number": e.Number, "valid_from": e.ValidFrom, "valid_to": e.ValidTo},
		})
	}
	s.prove(t)
}

func (s *sample) act(t testing.TB, act, actor, kind, id string, at time.Time, event map[string]any) {
	t.Helper()
	n := len(s.Case.Timeline) + 1
	row := canonical(t, s.row(id))
	line, err := casefile.RowLine(kind, id, row)
	if err != nil {
		t.Fatal(err)
	}
	s.Rows = append(s.Rows, line)
	records := []merkle.Record{{Kind: kind, ID: id, Digest: canon.Sum(row)}}
	if event != nil {
		event["id"] = uuid(9, n)
		event["data"].(map[string]any)["application"] = s.Case.Application
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		s.Events = append(s.Events, body)
		records = append(records, merkle.Record{Kind: "event", ID: uuid(9, n), Digest: canon.Sum(body)})
	}
	leaf := merkle.Leaf{
		ID: uuid(7, n), Time: at, Act: act, Actor: actor, Application: string(s.Case.Application), Candidate: string(s.Case.Candidate.ID),
		Standard: s.Case.Standard.Key, Object: id, Sequence: n, Payload: canon.Sum([]byte(act)), Records: records,
	}
	entry, err := leaf.Entry()
	if err != nil {
		t.Fatal(err)
	}
	audit := casefile.Row{ID: leaf.ID, At: at, Act: act, Actor: actor, Object: id}
	for _, r := range records {
		audit.Records = append(audit.Records, r.String())
	}
	s.Case.Timeline, s.Entries = append(s.Case.Timeline, audit), append(s.Entries, entry)
}

// row is what the record keeps of a fact: more columns than the case tells, some
// of them sealed.
func (s *sample) row(id string) map[string]any {
	row := map[string]any{"id": id, "application": s.Case.Application, "sealed": "00ff", "position": 1}
	put := func(v any, mine bool) {
		if !mine {
			return
		}
		var columns map[string]any
		text, err := json.Marshal(v)
		if err != nil || json.Unmarshal(text, &columns) != nil {
			panic(err)
		}
		maps.Copy(row, columns)
	}
	for _, e := range s.Case.Evidence {
		put(e, string(e.ID) == id)
	}
	for _, r := range s.Case.Rounds {
		put(r, string(r.ID) == id)
	}
	for _, v := range s.Case.Verdicts {
		put(v, v.ID == id)
		put(map[string]any{"competence": v.Indicator.Competence, "ordinal": v.Indicator.Ordinal}, v.ID == id)
	}
	for _, f := range s.Case.Findings {
		put(f, string(f.Round)+"/"+f.Competence == id)
	}
	for _, p := range s.Case.Proposals {
		put(p, string(p.ID) == id)
	}
	for _, d := range s.Case.Decisions {
		put(d, string(d.ID) == id)
	}
	if e := s.Case.Entry; e != nil {
		put(e, e.Number == id)
	}
	for _, sealed := range []string{"text", "link", "salt", "reason", "grounds", "reasons"} {
		delete(row, sealed)
	}
	return row
}

func (s *sample) prove(t testing.TB) {
	t.Helper()
	log := leaves{merkle.HashEntry([]byte("another case"))}
	for _, e := range s.Entries {
		log = append(log, merkle.HashEntry(e), merkle.HashEntry([]byte("between")))
	}
	size := int64(len(log))
	root, err := merkle.Root(t.Context(), log, size)
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: merkle.Origin(origin, 2026), Size: size, Root: root}, s.log)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range s.Case.Timeline {
		p, err := merkle.Prove(t.Context(), log, c, int64(1+2*i))
		if err != nil {
			t.Fatal(err)
		}
		s.Proofs[row.ID] = p.Marshal()
	}
}

func (s *sample) write(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := casefile.Write(&b, s.File, s.signer); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(t testing.TB, b []byte) *casefile.Archive {
	t.Helper()
	a, err := casefile.Open(bytes.NewReader(b), int64(len(b)), casefile.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *sample) trust() casefile.Trust {
	return casefile.Trust{Signers: []string{s.signer.vkey}, Logs: []string{s.log.vkey}}
}

// Tile implements merkle.Hashes for a log of less than one tile.
func (l leaves) Tile(_ context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	if level != 0 || n != 0 || width > len(l) {
		return nil, fmt.Errorf("no tile %d/%d of %d", level, n, width)
	}
	return l[:width], nil
}

// endless is a stream of one byte.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// saltedHash is the digest of what is written to it, under a salt.
type saltedHash struct {
	hash.Hash
	salt canon.Salt
}

func newSalted(s canon.Salt) saltedHash { return saltedHash{sha256.New(), s} }

func (h saltedHash) digest() canon.Digest { return canon.Sum(append(h.salt[:], h.Sum(nil)...)) }

func tempFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "case.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
