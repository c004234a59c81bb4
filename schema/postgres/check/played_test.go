package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq"

	"github.com/kutse-dev/kutse/deploy/dev/pgserver/pgtest"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/migrations"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// The people of the record, and the cases: mari's is awarded and registered after a
// return, juhan's is refused, peeter's goes on, kadri's was withdrawn, and jaak was
// erased after his.
var (
	op     = postgres.Actor{ID: "op", Role: person.Operator}
	mari   = postgres.Actor{ID: "mari", Role: person.Candidate}
	juhan  = postgres.Actor{ID: "juhan", Role: person.Candidate}
	peeter = postgres.Actor{ID: "peeter", Role: person.Candidate}
	kadri  = postgres.Actor{ID: "kadri", Role: person.Candidate}
	jaak   = postgres.Actor{ID: "jaak", Role: person.Candidate}
	hilja  = postgres.Actor{ID: "hilja", Role: person.Assessor}
	hanno  = postgres.Actor{ID: "hanno", Role: person.Assessor}
	kaja   = postgres.Actor{ID: "kaja", Role: person.Committee}
	kalev  = postgres.Actor{ID: "kalev", Role: person.Committee}
	nele   = postgres.Actor{ID: "nele", Role: person.Council}
)

const standardKey = "it-manager-7"

// played is a copy of a record in which all of this happened.
type played struct {
	pgtest.DB
	t     *testing.T
	super *sqlx.DB
	blobs string
	cases map[string]string // by candidate
}

var template = pgtest.Template{Name: "played", Build: play}

// begin copies the record; its files are shared until ownFiles.
func begin(t *testing.T) *played {
	t.Helper()
	p := &played{DB: pgtest.Database(t, template), t: t, blobs: filepath.Join(keyFolder, "blobs"), cases: map[string]string{}}
	super, err := sqlx.Connect("postgres", p.Superuser+"&search_path=kutse")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { super.Close() })
	p.super = super
	var apps []struct{ ID, Candidate string }
	if err := super.Select(&apps, `SELECT id, candidate FROM application`); err != nil {
		t.Fatal(err)
	}
	for _, a := range apps {
		p.cases[a.Candidate] = a.ID
	}
	return p
}

// ownFiles gives the test a copy of the evidence files.
func (p *played) ownFiles() {
	p.t.Helper()
	own := p.t.TempDir()
	if err := os.CopyFS(own, os.DirFS(p.blobs)); err != nil {
		p.t.Fatal(err)
	}
	p.blobs = own
}

func keyURI() string { return "file:" + filepath.Join(keyFolder, "kek.json") }

func openStore(dsn string) (*postgres.Store, error) { return openStoreAt(dsn, time.Now) }

func openStoreAt(dsn string, now func() time.Time) (*postgres.Store, error) {
	key, err := kek.Open(keyURI())
	if err != nil {
		return nil, err
	}
	return postgres.Open(context.Background(), dsn, postgres.Options{
		KEK: key, Now: now, Limits: evidence.Limits{TextBytes: 64 << 10, Indicators: 100}, Log: slog.New(slog.DiscardHandler),
	})
}

// play fills the template, with the acts of people and the workflow's part by hand.
func play(ownerURL string) (err error) {
	ctx := context.Background()
	db, err := postgres.Connect(ownerURL)
	if err != nil {
		return err
	}
	if _, err := migrations.Up(ctx, db.DB); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := db.Close(); err != nil {
		return err
	}
	if _, err := kek.Create(filepath.Join(keyFolder, "kek.json")); err != nil {
		return err
	}
	store, err := openStore(ownerURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(err, fmt.Errorf("%v", p))
		}
	}()
	a := &actors{ctx: ctx, Store: store}
	a.people()
	drawn := must(a.CommitSample(ctx, nele, request.CommitSample{Acting: newAct(), Title: "2026"}))
	a.awarded()
	a.refused()
	a.others()
	return a.draw(ownerURL, drawn)
}

// draw draws two of the cases, a while after the last was opened.
func (a *actors) draw(url string, committed request.Receipt) error {
	until := time.Now()
	later, err := openStoreAt(url, func() time.Time { return time.Now().Add(2 * time.Minute) })
	if err != nil {
		return err
	}
	_, err = later.DrawSample(a.ctx, nele, request.DrawSample{Acting: newAct(), Sample: committed.Record, From: committed.At, To: until, Standard: standardKey, Size: 2})
	return errors.Join(err, later.Close())
}

// actors play; what fails panics, and play reports it.
type actors struct {
	ctx context.Context //nolint:containedctx // of one template's making
	*postgres.Store
	std *catalogue.Standard
	app application.ID
	who postgres.Actor
}

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

func newAct() request.Acting { return request.Acting{ID: uuid.NewString()} }

func (a *actors) people() {
	if err := a.FirstOperator(a.ctx, op.ID, "Olev Operaator"); err != nil {
		panic(err)
	}
	a.std = must(catalogue.ByKey(standardKey))
	must(a.LoadStandard(a.ctx, op, request.LoadStandard{Acting: newAct(), YAML: string(must(a.std.YAML()))}))
	must(a.LoadProcedure(a.ctx, op, request.LoadProcedure{Acting: newAct(), YAML: procedure.DefaultYAML()}))
	for _, c := range []postgres.Actor{mari, juhan, peeter, kadri, jaak} {
		must(a.AddPerson(a.ctx, op, request.AddPerson{Acting: newAct(), Person: c.ID, Name: "Taotleja", Roles: []person.Role{person.Candidate}}))
	}
	for _, c := range []postgres.Actor{hilja, hanno} {
		must(a.AddPerson(a.ctx, op, request.AddPerson{
			Acting: newAct(), Person: c.ID, Name: "Hindaja", Roles: []person.Role{person.Assessor}, Scopes: []request.Scope{{Standard: standardKey, Competences: []string{"B.2.1", "B.2.2"}}},
		}))
		// Once more: two acts widen one scope.
		must(a.AddPerson(a.ctx, op, request.AddPerson{
			Acting: newAct(), Person: c.ID, Name: "Hindaja", Roles: []person.Role{person.Assessor}, Scopes: []request.Scope{{Standard: standardKey}},
		}))
	}
	for _, c := range []postgres.Actor{kaja, kalev} {
		must(a.AddPerson(a.ctx, op, request.AddPerson{Acting: newAct(), Person: c.ID, Name: "Komisjon", Roles: []person.Role{person.Committee}}))
	}
	must(a.AddPerson(a.ctx, op, request.AddPerson{Acting: newAct(), Person: nele.ID, Name: "Nõukogu", Roles: []person.Role{person.Council}}))
}

func (a *actors) open(who postgres.Actor) {
	a.who = who
	a.app = application.ID(must(a.OpenApplication(a.ctx, who, request.OpenApplication{Acting: newAct(), Standard: standardKey})).Record)
}

func (a *actors) submit(kind evidence.Kind, text string, file *canon.Digest, ids ...catalogue.IndicatorID) {
	q := request.SubmitEvidence{Acting: newAct(), Application: a.app, Kind: kind, Indicators: ids, File: file}
	switch kind {
	case evidence.Text:
		q.Text = text
	case evidence.Link:
		q.Link = text
	case evidence.File:
	}
	must(a.SubmitEvidence(a.ctx, a.who, q))
}

// upload puts a file into the candidate's store.
func (a *actors) upload(content []byte) *canon.Digest {
	files := must(blob.Open(filepath.Join(keyFolder, "blobs"), a.Sealer(), blob.Limits{FileBytes: 1 << 20, ChunkBytes: 1 << 20, UploadsPerPerson: 3}))
	defer files.Close()
	sum := canon.Sum(content)
	up := must(files.Begin(a.who.ID, blob.Announced{SHA256: sum, Size: int64(len(content))}, time.Now()))
	must(files.Put(a.who.ID, up.ID, 0, content))
	kept := must(files.Commit(a.who.ID, up.ID))
	must(a.CommitUpload(a.ctx, a.who, request.CommitUpload{Acting: newAct(), Upload: string(up.ID)}, kept))
	return &sum
}

func (a *actors) support(code string) {
	c, _, _ := a.std.Competence(code)
	for _, id := range c.Assessable() {
		a.submit(evidence.Text, "I did this: "+id.String(), nil, id)
	}
}

func (a *actors) handIn(codes ...string) {
	r := must(a.HandIn(a.ctx, a.who, request.HandIn{Acting: newAct(), Application: a.app, Competences: codes}))
	var rounds []assessment.RoundID
	for _, id := range r.Records {
		rounds = append(rounds, assessment.RoundID(id))
	}
	must(a.OpenAssessment(a.ctx, a.app, rounds))
}

// judge claims the next task and judges it: not yet what deny says, else shown.
func (a *actors) judge(by postgres.Actor, deny func(catalogue.IndicatorID) bool) {
	task := must(a.ClaimTask(a.ctx, by, request.ClaimTask{Acting: newAct()})).Claimed
	q := request.GiveVerdicts{Acting: newAct(), Task: task.Task, Fence: task.Fence}
	for _, ids := range [][]catalogue.IndicatorID{task.Offered, task.Asked} {
		for _, id := range ids {
			v := request.Verdict{Indicator: id, Outcome: assessment.Shown}
			if deny != nil && deny(id) {
				v.Outcome, v.Reason = assessment.NotYetShown, "The evidence does not say what you did yourself."
			}
			q.Verdicts = append(q.Verdicts, v)
		}
	}
	must(a.GiveVerdicts(a.ctx, by, q))
}

func (a *actors) weigh() { must(a.WeighRounds(a.ctx, a.app)) }

func (a *actors) assess(code string) {
	a.handIn(code)
	a.judge(hilja, nil)
	a.weigh()
}

func (a *actors) propose() award.ProposalID {
	must(a.ProposeAward(a.ctx, a.app))
	return must(a.Case(a.ctx, nele, request.OfApplication{Application: a.app, Purpose: "audit"})).Proposal.Proposal
}

func (a *actors) decide(by postgres.Actor, outcome award.Outcome, change func(*request.Decide)) {
	q := request.Decide{
		Acting: newAct(), Application: a.app, Proposal: a.propose(), Outcome: outcome,
		Reviewed: true, Grounds: "The committee read the whole case.", LegalBasis: "KutS § 18(2)",
	}
	if change != nil {
		change(&q)
	}
	must(a.Decide(a.ctx, by, q))
}

// awarded is mari's case: every competence, one of them at the second go, a file
// and a link among the evidence, one returned by the committee, then the award.
func (a *actors) awarded() {
	a.open(mari)
	first, _, _ := a.std.Competence("B.2.1")
	file := a.upload(bytes.Repeat([]byte("what I built\n"), 100))
	a.submit(evidence.File, "", file, first.Assessable()...)
	a.submit(evidence.Link, "https://example.org/what-i-built", nil, first.Assessable()[0])
	for n := range 14 {
		code := fmt.Sprintf("B.2.%d", n+1)
		a.support(code)
		if n == 2 {
			a.handIn(code)
			a.judge(hanno, func(id catalogue.IndicatorID) bool { return id.Competence == code && id.Ordinal == 1 })
			a.weigh()
			a.submit(evidence.Text, "I did it again, and by myself.", nil, catalogue.IndicatorID{Competence: code, Ordinal: 1})
		}
		a.assess(code)
	}
	a.decide(kaja, award.Return, func(q *request.Decide) { q.Returned = []string{"B.2.4"} })
	a.assess("B.2.4")
	a.decide(kaja, award.Award, nil)
	must(a.EnterRegister(a.ctx, a.app))
}

// refused is juhan's case: one competence that is not shown in any of its rounds.
func (a *actors) refused() {
	a.open(juhan)
	a.support("B.2.1")
	for range 3 {
		a.handIn("B.2.1")
		a.judge(hilja, func(catalogue.IndicatorID) bool { return true })
		a.weigh()
	}
	a.decide(kaja, award.Refuse, func(q *request.Decide) {
		for _, c := range a.std.Competences() {
			for _, id := range c.Assessable() {
				q.Reasons = append(q.Reasons, request.Reason{Indicator: id, Reason: "It was not shown."})
			}
		}
	})
}

func (a *actors) others() {
	a.open(peeter)
	a.support("B.2.1")
	a.support("B.2.2")
	for range 60 { // so that the log has more entries than one tile
		a.submit(evidence.Text, "And this.", nil, catalogue.IndicatorID{Competence: "B.2.9", Ordinal: 1})
	}
	a.handIn("B.2.1", "B.2.2")
	a.judge(hilja, nil)
	a.weigh()
	task := must(a.ClaimTask(a.ctx, hanno, request.ClaimTask{Acting: newAct()})).Claimed
	must(a.ReleaseTask(a.ctx, hanno, request.ReleaseTask{Acting: newAct(), Task: task.Task}))

	a.open(kadri)
	a.support("B.2.1")
	a.handIn("B.2.1")
	must(a.WithdrawApplication(a.ctx, kadri, request.WithdrawApplication{Acting: newAct(), Application: a.app}))

	a.open(jaak)
	a.support("B.2.5")
	a.submit(evidence.File, "", a.upload([]byte("jaak's file")), catalogue.IndicatorID{Competence: "B.2.5", Ordinal: 1})
	must(a.WithdrawApplication(a.ctx, jaak, request.WithdrawApplication{Acting: newAct(), Application: a.app}))
	must(a.ErasePerson(a.ctx, nele, request.ErasePerson{Acting: newAct(), Person: jaak.ID, Ground: "order", Reference: "court order 7"}))
}

// logKeys signs the logs of one test process.
type logKeys struct {
	mu   sync.Mutex
	keys map[int]postgres.LogKey
}

// Signing implements postgres.Signers.
func (k *logKeys) Signing(year int, _ string) (postgres.Signing, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	origin := merkle.Origin("kutse.test", year)
	if _, ok := k.keys[year]; !ok {
		skey, vkey, err := merkle.NewKey(origin)
		if err != nil {
			return postgres.Signing{}, err
		}
		signer, err := merkle.NewSigner(skey)
		if err != nil {
			return postgres.Signing{}, err
		}
		k.keys[year] = postgres.LogKey{VKey: vkey, Signer: signer}
	}
	return postgres.Signing{Origin: origin, Now: k.keys[year]}, nil
}

// sealLog seals every audit row, as the sealer would.
func (p *played) sealLog() {
	p.t.Helper()
	store, err := openStore(p.Service)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	keys := &logKeys{keys: map[int]postgres.LogKey{}}
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := store.Seal(p.t.Context(), keys); err != nil {
			p.t.Fatal(err)
		}
		var waiting int
		if err := p.super.Get(&waiting, `SELECT count(*) FROM audit a WHERE NOT EXISTS (SELECT 1 FROM log_entry l WHERE l.audit = a.id)`); err != nil {
			p.t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(deadline) { // a transaction of another test holds sealing up
			p.t.Fatalf("%d audit rows are not sealed", waiting)
		}
	}
}

// check checks the record with all there is to check it with, and returns the faults.
func (p *played) check(change ...func(*Options)) (Report, []Fault) {
	p.t.Helper()
	key, err := kek.Open(keyURI())
	if err != nil {
		p.t.Fatal(err)
	}
	var faults []Fault
	o := Options{
		Database: p.Service, KEK: key, Blobs: p.blobs, Now: time.Now().Add(time.Hour), SealedIn: 30 * time.Minute, Page: 2,
		Found: func(f Fault) error { faults = append(faults, f); return nil },
	}
	for _, c := range change {
		c(&o)
	}
	report, err := Run(p.t.Context(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	return report, faults
}
