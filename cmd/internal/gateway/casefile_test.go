package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// installation is a door whose record is sealed by a log of its own, and which makes
// case files.
type installation struct {
	*door
	host string
	key  casefile.Key
	logs map[int]postgres.LogKey
	app  application.ID
}

func install(t *testing.T, host string, record *postgrestest.Record, trust ...string) *installation {
	t.Helper()
	skey, _, err := casefile.NewKey(host)
	if err != nil {
		t.Fatal(err)
	}
	key, err := casefile.ParseKey(skey)
	if err != nil {
		t.Fatal(err)
	}
	large := limits
	large.FileBytes = 64 << 20
	s := &installation{host: host, key: key, logs: map[int]postgres.LogKey{}}
	s.door = openDoorOn(t, record, large, func(g *gateway.Door) { g.CaseFileKey, g.Trust = key, trust })
	return s
}

// Signing implements postgres.Signers.
func (s *installation) Signing(year int, _ string) (postgres.Signing, error) {
	origin := merkle.Origin(s.host, year)
	if s.logs[year].Signer == nil {
		skey, vkey, err := merkle.NewKey(origin)
		if err != nil {
			return postgres.Signing{}, err
		}
		signer, err := merkle.NewSigner(skey)
		if err != nil {
			return postgres.Signing{}, err
		}
		s.logs[year] = postgres.LogKey{VKey: vkey, Signer: signer}
	}
	return postgres.Signing{Origin: origin, Now: s.logs[year]}, nil
}

// seal seals until nothing waits.
func (s *installation) seal() {
	s.Helper()
	await(s.T, "every row to be sealed", func() bool {
		if _, err := s.record.Seal(s.Context(), s); err != nil {
			s.Fatal(err)
		}
		lag, err := s.record.Lag(s.Context())
		return err == nil && lag == 0
	})
}

// vkeys are what another installation would be told to trust.
func (s *installation) vkeys() []string {
	keys := []string{s.key.VKey}
	for _, k := range s.logs {
		keys = append(keys, k.VKey)
	}
	return keys
}

const plan = "%PDF-1.7 a plan of 40 pages"

// play takes an application to the register, or to what decide decides, with a round
// that shows nothing yet, evidence of each kind, and everything else shown.
func (s *installation) play(decide func(*request.Decide)) {
	s.Helper()
	ctx := s.Context()
	std, err := catalogue.ByKey(itManager)
	if err != nil {
		s.Fatal(err)
	}
	s.app = s.open(postgrestest.Candidate).Application
	digest, err := s.as(postgrestest.Candidate).Upload(ctx, strings.NewReader(plan), nil)
	if err != nil {
		s.Fatal(err)
	}
	first := catalogue.IndicatorID{Competence: "B.2.1", Ordinal: 1}
	for _, q := range []request.SubmitEvidence{
		{Kind: evidence.File, File: &digest},
		{Kind: evidence.Link, Link: "https://näide.ee/töö?a=1&b=<2>"},
	} {
		q.Acting, q.Application, q.Indicators = client.NewID(), s.app, []catalogue.IndicatorID{first}
		s.must(postgrestest.Candidate, "evidence", "submit", q)
	}
	s.round(std, "B.2.1", assessment.NotYetShown)
	for n := range 14 {
		s.round(std, fmt.Sprintf("B.2.%d", n+1), assessment.Shown)
	}
	if _, err := s.record.ProposeAward(ctx, s.app); err != nil {
		s.Fatal(err)
	}
	d := request.Decide{
		Acting: client.NewID(), Application: s.app, Proposal: s.see().Proposal.Proposal, Outcome: award.Award,
		Reviewed: true, Grounds: "Komisjon vaatas läbi kogu toimiku.", LegalBasis: "KutS § 18(2)",
	}
	decide(&d)
	s.must(postgrestest.Member, "decision", "make", d)
	if d.Outcome == award.Award {
		if _, err := s.record.EnterRegister(ctx, s.app); err != nil {
			s.Fatal(err)
		}
	}
	s.seal()
}

func (s *installation) round(std *catalogue.Standard, code string, outcome assessment.Outcome) {
	s.Helper()
	s.claimable(std, code, postgrestest.Candidate, s.app)
	task := s.must(postgrestest.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID()}).Claimed
	q := request.GiveVerdicts{Acting: client.NewID(), Task: task.Task, Fence: task.Fence}
	for _, id := range append(task.Asked, task.Offered...) {
		v := request.Verdict{Indicator: id, Outcome: outcome}
		if outcome == assessment.NotYetShown {
			v.Reason = "Tõend ei ütle, mida tegite ise: " + id.String()
		}
		q.Verdicts = append(q.Verdicts, v)
	}
	s.must(postgrestest.Assessor, "verdict", "give", q)
	if _, err := s.record.WeighRounds(s.Context(), s.app); err != nil {
		s.Fatal(err)
	}
}

// claimable puts a task into the queue: evidence for all of a competence, handed in.
func (s *installation) claimable(std *catalogue.Standard, code string, who postgres.Actor, app application.ID) {
	s.Helper()
	c, _, _ := std.Competence(code)
	for _, id := range c.Assessable() {
		s.must(who, "evidence", "submit", request.SubmitEvidence{
			Acting: client.NewID(), Application: app, Kind: evidence.Text, Text: "Tegin seda ise: " + id.String(), Indicators: []catalogue.IndicatorID{id},
		})
	}
	r := s.must(who, "competence", "hand-in", request.HandIn{Acting: client.NewID(), Application: app, Competences: []string{code}})
	if _, err := s.record.OpenAssessment(s.Context(), app, []assessment.RoundID{assessment.RoundID(r.Record)}); err != nil {
		s.Fatal(err)
	}
}

func awarded(*request.Decide) {}

func (s *installation) see() request.Case {
	s.Helper()
	c, err := s.record.Case(s.Context(), postgrestest.Candidate, request.OfApplication{Application: s.app})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// casefile makes the case file and reads it.
func (s *installation) casefile() []byte {
	s.Helper()
	r := s.must(postgrestest.Candidate, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: s.app})
	return s.fetch(postgrestest.Candidate, request.ReadCaseFile{CaseFile: sumOf(s.T, r.Record)})
}

func (s *installation) fetch(a postgres.Actor, q request.ReadCaseFile) []byte {
	s.Helper()
	var all []byte
	for {
		q.Offset = int64(len(all))
		body, err := json.Marshal(q)
		if err != nil {
			s.Fatal(err)
		}
		msg := s.raw(a, "casefile", "read", body)
		if msg.Header.Get("Nats-Service-Error") != "" {
			s.Fatalf("reading %s at %d: %s", q.CaseFile, q.Offset, msg.Data)
		}
		if len(msg.Data) == 0 {
			break
		}
		all = append(all, msg.Data...)
	}
	if got := canon.Sum(all); got != q.CaseFile {
		s.Fatalf("%d bytes with SHA-256 %s came, want those of %s", len(all), got, q.CaseFile)
	}
	return all
}

// bring uploads bytes and brings them as a case file.
func (s *installation) bring(b []byte) (request.Receipt, error) {
	s.Helper()
	sum, err := s.as(postgrestest.Candidate).Upload(s.Context(), bytes.NewReader(b), nil)
	if err != nil {
		s.Fatal(err)
	}
	return s.act(postgrestest.Candidate, "prior", "bring", request.BringPrior{Acting: client.NewID(), File: sum})
}

func (s *installation) prior(a postgres.Actor, q request.OfPrior) (request.Prior, error) {
	s.Helper()
	var p request.Prior
	return p, s.as(a).Ask(s.Context(), a.Role, "prior", "show", q, &p)
}

func sumOf(t *testing.T, text string) canon.Digest {
	t.Helper()
	d, err := canon.ParseDigest(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func archive(t *testing.T, b []byte) *casefile.Archive {
	t.Helper()
	a, err := casefile.Open(bytes.NewReader(b), int64(len(b)), casefile.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What one installation found, another that was never told of its standard shows, and
// gives back as it came.
func TestACaseGoesFromOneInstallationToAnEmptyOne(t *testing.T) {
	t.Parallel()
	a := install(t, "a.example.ee", postgrestest.New(t))
	a.play(awarded)
	file := a.casefile()
	b := install(t, "b.example.ee", postgrestest.Empty(t))
	r, err := b.bring(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.prior(postgrestest.Candidate, request.OfPrior{Prior: r.Record})
	if err != nil {
		t.Fatal(err)
	}
	there := a.see()
	if p.Origin != "a.example.ee" || p.StandardKnown || p.Standard != there.StandardDigest || p.Title != there.Title || p.State != application.Registered ||
		p.Candidate != "c1" || p.File != canon.Sum(file) {
		t.Errorf("got %+v, want the case of %s, of a standard that is not known", p.PriorLine, there.Application)
	}
	sameMatrix(t, there, p)
	if p.Entry == nil || p.Entry.Number != there.Entry.Number || p.Entry.ValidTo != there.Entry.ValidTo || len(p.Decisions) != 1 ||
		p.Decisions[0].Grounds != there.Decisions[0].Grounds || p.Decisions[0].Outcome != award.Award {
		t.Errorf("got the entry %+v and the decisions %+v, want those of %+v", p.Entry, p.Decisions, there)
	}
	if !p.Checks[0].OK || p.Checks[1].OK || !strings.Contains(p.Checks[1].Why, "not known here") || !strings.Contains(p.Checks[1].What, "a.example.ee") {
		t.Errorf("got the checks %+v, want it sound and the signer not known", p.Checks)
	}
	if again := b.fetch(postgrestest.Candidate, request.ReadCaseFile{CaseFile: p.File}); !bytes.Equal(again, file) {
		t.Error("what was brought does not come back as it was")
	}
	var list request.Priors
	if err := b.as(postgrestest.Candidate).Ask(t.Context(), person.Candidate, "prior", "list", request.PriorsOf{}, &list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]request.PriorLine{p.PriorLine}, list.Priors); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	if twice, err := b.bring(file); err != nil || twice.Record != r.Record {
		t.Errorf("brought again: %q, %v; want the same prior assessment %s", twice.Record, err, r.Record)
	}
}

// sameMatrix holds what is shown of a prior assessment to the case as it stands where
// it was judged.
func sameMatrix(t *testing.T, there request.Case, p request.Prior) {
	t.Helper()
	if len(p.Competences) != len(there.Competences) {
		t.Fatalf("%d competences, want %d", len(p.Competences), len(there.Competences))
	}
	for i, want := range there.Competences {
		got := p.Competences[i]
		if got.Code != want.Code || got.Title != want.Title || got.Met != want.Met {
			t.Errorf("got %s %q, met %v; want %s %q, %v", got.Code, got.Title, got.Met, want.Code, want.Title, want.Met)
		}
		cells := map[string][]request.PriorIndicator{}
		for _, cell := range got.Indicators {
			cells[cell.Indicator] = append(cells[cell.Indicator], cell)
		}
		for _, ind := range want.Indicators {
			id := ind.Indicator.String()
			if ind.Assessable != (len(cells[id]) > 0) {
				t.Errorf("%s: %d cells, assessable %v", id, len(cells[id]), ind.Assessable)
			}
			for _, cell := range cells[id] {
				if cell.Context == "" && cell.Shown != ind.Shown || cell.Text != ind.Text || cell.Evidence != ind.Evidence || !cell.Shown && cell.Reason != ind.Reason {
					t.Errorf("%s: got %+v, want %+v", id, cell, ind)
				}
			}
		}
	}
}

func TestTheCaseFileSaysWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.play(awarded)
	file := s.casefile()
	a := archive(t, file)
	r := a.Verify(casefile.Trust{Signers: s.vkeys(), Logs: s.vkeys()})
	if !r.Trusted() || len(r.Unproven) > 0 || len(r.Proven) < 100 {
		t.Fatalf("got %+v, want it trusted and every act proven", r)
	}
	c, err := a.Case()
	if err != nil {
		t.Fatal(err)
	}
	there := s.see()
	if c.Candidate.Name != "Mari Maasikas" || c.Candidate.ID != "c1" || c.State != there.State || c.Standard.Digest != there.StandardDigest ||
		c.Procedure.Digest != there.ProcedureDigest || len(c.Evidence) != there.Submissions || len(c.Verdicts) != there.Verdicts {
		t.Errorf("the case is %+v, want that of %+v", c.Candidate, there)
	}
	d, want := c.Decisions[0], there.Decisions[0]
	if len(c.Decisions) != 1 || d.ID != want.Decision || d.Outcome != want.Outcome || d.Grounds != want.Grounds || d.LegalBasis != want.LegalBasis ||
		d.Challenge != want.Challenge || !d.At.Equal(want.At) || d.Member != want.Member {
		t.Errorf("the decision is %+v, want %+v", d, want)
	}
	if e, want := c.Entry, there.Entry; e == nil || e.Number != want.Number || e.Decision != want.Decision || e.ValidFrom != want.ValidFrom || e.ValidTo != want.ValidTo {
		t.Errorf("the entry is %+v, want %+v", e, want)
	}
	if len(c.Timeline) != len(r.Proven) || len(c.Rounds) != 15 || len(c.Findings) < 15 {
		t.Errorf("%d acts, %d rounds, %d findings", len(c.Timeline), len(c.Rounds), len(c.Findings))
	}
	whole, err := a.File()
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Rows) < 100 || len(whole.Events) < 100 {
		t.Errorf("%d rows and %d events go along, want those of every act", len(whole.Rows), len(whole.Events))
	}
	salted(t, s, whole)
	unpacked(t, file)
}

// salted holds that a request is what its audit row says, with the salt that is
// disclosed; and that no salt of somebody else is.
func salted(t *testing.T, s *installation, f casefile.File) {
	t.Helper()
	asked := map[string]string{}
	for _, e := range f.Entries {
		l, err := merkle.ParseEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		asked[l.Act] = l.Request
	}
	for act, request := range asked {
		if _, ok := f.Salts["request."+request]; ok != (request != "" && act != "task.claim") {
			t.Errorf("the salt of %s is there: %v", act, ok)
		}
	}
	var digest []byte
	db, err := postgresConnect(t, s.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Get(&digest, `SELECT payload FROM kutse.audit WHERE act = 'competence.hand-in' AND request = $1`, asked["competence.hand-in"]); err != nil {
		t.Fatal(err)
	}
	text, err := canon.JSON(map[string]any{"act": "competence.hand-in", "request": map[string]any{
		"id": asked["competence.hand-in"], "application": s.app, "competences": []string{"B.2.14"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := canon.SaltedSum(f.Salts["request."+asked["competence.hand-in"]], text); got != canon.Digest(digest) {
		t.Errorf("the request has the digest %s with its salt, the log says %x", got, digest)
	}
}

// unpacked holds that the tools of the machine find the archive whole.
func unpacked(t *testing.T, file []byte) {
	t.Helper()
	unzip, err := exec.LookPath("unzip")
	if err != nil {
		t.Log("there is no unzip here")
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "case.zip"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), unzip, "-q", "case.zip", "-d", "case")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	got, err := filepath.Glob(filepath.Join(dir, "case", "evidence", "*.pdf"))
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v; want the one PDF", got, err)
	}
	if text, err := os.ReadFile(got[0]); err != nil || string(text) != plan {
		t.Errorf("the PDF is %q, %v; want %q", text, err, plan)
	}
	sha256sum, err := exec.LookPath("sha256sum")
	if err != nil {
		return
	}
	cmd = exec.CommandContext(t.Context(), sha256sum, "--quiet", "-c", "checksums")
	cmd.Dir = filepath.Join(dir, "case")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func TestTheSameRequestMakesOneCaseFile(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.app = s.open(postgrestest.Candidate).Application
	s.must(postgrestest.Candidate, "evidence", "submit", text(request.Receipt{Application: s.app}, "words"))
	q := request.MakeCaseFile{Acting: client.NewID(), Application: s.app}
	if err := s.as(postgrestest.Candidate).Ask(t.Context(), person.Candidate, "casefile", "make", q, nil); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("before it is sealed: %v, want unavailable", err)
	}
	s.seal()
	var asking sync.WaitGroup
	receipts := make([]request.Receipt, 6)
	for i := range receipts {
		c := s.as(postgrestest.Candidate)
		asking.Go(func() {
			var err error
			if receipts[i], err = c.Act(t.Context(), person.Candidate, "casefile", "make", q); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	for _, r := range receipts {
		if diff := cmp.Diff(receipts[0], r); diff != "" {
			t.Errorf("of the same request at once (-one +another):\n%s", diff)
		}
	}
	if again := s.must(postgrestest.Candidate, "casefile", "make", q); again.Record != receipts[0].Record {
		t.Errorf("the same request again: %s, want %s", again.Record, receipts[0].Record)
	}
	files := 0
	if err := filepath.WalkDir(s.blobs, func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files++
		}
		return err
	}); err != nil || files != 1 {
		t.Errorf("%d files in the store, %v; want the one archive", files, err)
	}
	other := q
	other.Purpose = reading.Court
	if _, err := s.act(postgrestest.Candidate, "casefile", "make", other); !errors.Is(err, fault.Conflict) {
		t.Errorf("the same id with other content: %v, want a conflict", err)
	}
	var rows int
	db, err := postgresConnect(t, s.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Get(&rows, `SELECT count(*) FROM kutse.case_file`); err != nil || rows != 1 {
		t.Errorf("%d rows, %v; want 1", rows, err)
	}
	// The bytes follow from the record, the checkpoint and the time alone.
	first := s.fetch(postgrestest.Candidate, request.ReadCaseFile{CaseFile: sumOf(t, receipts[0].Record)})
	c, err := archive(t, first).Case()
	if err != nil || !c.ExportedAt.Equal(receipts[0].At) {
		t.Errorf("exported at %s, %v; want %s as the receipt says", c.ExportedAt, err, receipts[0].At)
	}
}

func TestTheSameRecordAtTheSameTimeGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.app = s.open(postgrestest.Candidate).Application
	s.must(postgrestest.Candidate, "evidence", "submit", text(request.Receipt{Application: s.app}, "words"))
	s.seal()
	s.record.Clock.Set(time.Now())
	write := func() []byte {
		made, err := s.record.CaseFile(t.Context(), postgrestest.Candidate, request.MakeCaseFile{Acting: client.NewID(), Application: s.app}, s.key)
		if err != nil {
			t.Fatal(err)
		}
		made.File.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(e.Text)), nil
		}
		var b bytes.Buffer
		if err := casefile.Write(&b, made.File, s.key.Signer); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if first, second := write(), write(); !bytes.Equal(first, second) {
		t.Error("two archives of the same are not the same")
	}
}

func TestWhoMayHaveACaseFile(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.app = s.open(postgrestest.Candidate).Application
	s.seal()
	make := func(a postgres.Actor, p reading.Purpose) error {
		_, err := s.act(a, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: s.app, Purpose: p})
		return err
	}
	if err := make(postgrestest.Other, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("another candidate: %v, want not found", err)
	}
	if err := make(postgrestest.Auditor, ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("the council without a purpose: %v, want invalid", err)
	}
	r := s.must(postgrestest.Auditor, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: s.app, Purpose: reading.Court})
	q := request.ReadCaseFile{CaseFile: sumOf(t, r.Record), Application: s.app, Purpose: reading.Court}
	s.fetch(postgrestest.Auditor, q)
	s.fetch(postgrestest.Candidate, request.ReadCaseFile{CaseFile: q.CaseFile})
	for name, refused := range map[string]struct {
		a    postgres.Actor
		q    request.ReadCaseFile
		kind fault.Kind
	}{
		"another candidate":             {postgrestest.Other, request.ReadCaseFile{CaseFile: q.CaseFile}, fault.NotFound},
		"the council without a purpose": {postgrestest.Auditor, request.ReadCaseFile{CaseFile: q.CaseFile, Application: s.app}, fault.Invalid},
		"the council without a case":    {postgrestest.Auditor, request.ReadCaseFile{CaseFile: q.CaseFile, Purpose: reading.Court}, fault.Invalid},
		"a file that is none":           {postgrestest.Candidate, request.ReadCaseFile{CaseFile: canon.Sum(nil)}, fault.NotFound},
		"before its beginning":          {postgrestest.Candidate, request.ReadCaseFile{CaseFile: q.CaseFile, Offset: -1}, fault.Invalid},
	} {
		body, err := json.Marshal(refused.q)
		if err != nil {
			t.Fatal(err)
		}
		if f := failureOf(t, s.raw(refused.a, "casefile", "read", body)); f.Kind != refused.kind {
			t.Errorf("%s: %s %q, want %s", name, f.Kind, f.Message, refused.kind)
		}
	}
	var what []string
	db, err := postgresConnect(t, s.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Select(&what, `SELECT DISTINCT what || ' ' || purpose || ' ' || reader FROM kutse.reading ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"casefile.make court n1", "casefile.read court n1"}, what); diff != "" {
		t.Errorf("the readings (-want +got):\n%s", diff)
	}
}

func TestOfWhoWasErasedThereIsNoCaseFile(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.play(awarded)
	first := s.casefile()
	if _, err := s.bring(first); err != nil {
		t.Fatal(err)
	}
	s.must(postgrestest.Auditor, "person", "erase", erasing())
	s.seal()
	_, err := s.act(postgrestest.Auditor, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: s.app, Purpose: reading.Audit})
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "erased") {
		t.Errorf("a case file: %v, want a conflict that says erased", err)
	}
	if there(s.folder()) {
		t.Error("the folder of the candidate is still there")
	}
	var list request.Priors
	if err := s.as(postgrestest.Auditor).Ask(t.Context(), person.Council, "prior", "list", request.PriorsOf{Application: s.app, Purpose: reading.Audit}, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Priors) != 1 || list.Priors[0].Title != "[erased]" || list.Priors[0].Origin != "[erased]" {
		t.Errorf("the prior assessments are %+v, want one that is erased", list.Priors)
	}
	p, err := s.prior(postgrestest.Auditor, request.OfPrior{Prior: list.Priors[0].Prior, Purpose: reading.Audit})
	if err != nil || len(p.Competences) != 0 || p.File != (canon.Digest{}) {
		t.Errorf("got %+v, %v; want nothing of what it said", p, err)
	}
}

func TestWithoutAKeyThereIsNoCaseFile(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	_, err := d.act(postgrestest.Candidate, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: d.open(postgrestest.Candidate).Application})
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--casefile-key") {
		t.Errorf("%v, want a conflict that names the option", err)
	}
	other := install(t, "b.example.ee", postgrestest.New(t))
	other.app = other.open(postgrestest.Candidate).Application
	other.host = "c.example.ee" // whose log seals
	other.seal()
	_, err = other.act(postgrestest.Candidate, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: other.app})
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "c.example.ee") {
		t.Errorf("the key of another host: %v, want a conflict that names it", err)
	}
}

func TestWhatWasChangedInTheRecordIsNotVouchedFor(t *testing.T) {
	t.Parallel()
	s := install(t, "a.example.ee", postgrestest.New(t))
	s.play(awarded)
	db, err := postgresConnect(t, s.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	q := func() request.MakeCaseFile { return request.MakeCaseFile{Acting: client.NewID(), Application: s.app} }
	for what, sql := range map[string][2]string{
		"a verdict":  {`UPDATE kutse.verdict SET assessor = 'a2'`, `UPDATE kutse.verdict SET assessor = 'a1'`},
		"a proposal": {`UPDATE kutse.proposal SET due_at = due_at + interval '1 day'`, `UPDATE kutse.proposal SET due_at = due_at - interval '1 day'`},
		"an event":   {`UPDATE kutse.event SET body = replace(body, 'award', 'refuse')`, `UPDATE kutse.event SET body = replace(body, 'refuse', 'award')`},
		"an act":     {`UPDATE kutse.audit SET role = 'com' WHERE role = 'asr'`, `UPDATE kutse.audit SET role = 'asr' WHERE act ~ '^(task|verdict)[.]'`},
		"a hash":     {`UPDATE kutse.log_entry SET hash = sha256(hash) WHERE position = 3`, ``},
	} {
		tampered(t, db, sql[0])
		if _, err := s.act(postgrestest.Candidate, "casefile", "make", q()); err == nil || errors.Is(err, fault.Unavailable) || errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, want it refused", what, err)
		}
		if sql[1] == "" {
			continue
		}
		tampered(t, db, sql[1])
	}
}

// tampered changes the record as its owner can.
func tampered(t *testing.T, db *sqlx.DB, sql string) {
	t.Helper()
	tx, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`ALTER TABLE kutse.verdict DISABLE TRIGGER no_change`, `ALTER TABLE kutse.proposal DISABLE TRIGGER no_change`,
		`ALTER TABLE kutse.event DISABLE TRIGGER no_change`, `ALTER TABLE kutse.audit DISABLE TRIGGER no_change`,
		`ALTER TABLE kutse.log_entry DISABLE TRIGGER no_change`, sql,
	} {
		if _, err := tx.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
