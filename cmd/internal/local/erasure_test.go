package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	temporal "go.temporal.io/sdk/client"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/check"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/retention"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

func newID() string { return client.NewID().ID }

// subject is who is erased.
const subject person.ID = "px"

// erasure plays a person through the whole system, with a text of its own in every
// field that takes text, and erases them.
type erasure struct {
	*testing.T
	ctx     context.Context
	sys     *local.System
	dir     string
	lines   *logLines
	scan    *scanner
	accept  map[string]bool // free fields that were planted in a request that was accepted
	people  map[person.ID]*client.Client
	archive canon.Digest // of the case file
	pieces  int          // of evidence put forward
	export  bytes.Buffer // what the council took out afterwards
}

// logLines keeps every line of every level.
type logLines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logLines) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

func startErasure(t *testing.T) *erasure {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	e := &erasure{
		T: t, ctx: ctx, dir: t.TempDir(), lines: &logLines{}, scan: newScanner(),
		accept: map[string]bool{}, people: map[person.ID]*client.Client{},
	}
	log := slog.New(slog.NewTextHandler(e.lines, &slog.HandlerOptions{Level: slog.LevelDebug - 100}))
	var err error
	if e.sys, err = local.Start(ctx, dev.Options{Data: filepath.Join(e.dir, "data"), Fast: true, Logger: log}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *erasure) stop() {
	e.Helper()
	for _, c := range e.people {
		c.Close()
	}
	if err := e.sys.Stop(context.WithoutCancel(e.ctx)); err != nil {
		e.Fatal(err)
	}
}

func (e *erasure) as(p person.ID) *client.Client {
	e.Helper()
	if e.people[p] == nil {
		c, err := client.Dial(e.sys.NATS, p)
		if err != nil {
			e.Fatal(err)
		}
		e.people[p] = c
	}
	return e.people[p]
}

// must acts, and notes which free fields the record took.
func (e *erasure) must(p person.ID, role person.Role, resource, verb string, q request.Act, planted ...string) request.Receipt {
	e.Helper()
	r, err := e.as(p).Act(e.ctx, role, resource, verb, q)
	if err != nil {
		e.Fatalf("%s.%s as %s: %v", resource, verb, p, err)
	}
	for _, name := range planted {
		e.accept[resource+"-"+verb+"."+name] = true
	}
	return r
}

func (e *erasure) ask(p person.ID, role person.Role, resource, verb string, q, reply any) {
	e.Helper()
	if err := e.as(p).Ask(e.ctx, role, resource, verb, q, reply); err != nil {
		e.Fatalf("%s.%s as %s: %v", resource, verb, p, err)
	}
}

func (e *erasure) show(app application.ID) request.Case {
	e.Helper()
	var c request.Case
	e.ask(play.Auditor, person.Council, "get", "application", request.OfApplication{Application: app, Purpose: reading.Court}, &c)
	return c
}

func (e *erasure) stats() request.Stats {
	e.Helper()
	var s request.Stats
	e.ask(play.Auditor, person.Council, "get", "stats", request.Nothing{}, &s)
	return s
}

// await waits until a case stands at want.
func (e *erasure) await(app application.ID, want application.State) request.Case {
	e.Helper()
	for {
		if c := e.show(app); c.State == want {
			return c
		}
		if err := e.ctx.Err(); err != nil {
			e.Fatalf("waiting for the case to be %s: %v", want, err)
		}
	}
}

// open applies for a standard.
func (e *erasure) open(std *catalogue.Standard) application.ID {
	e.Helper()
	return application.ID(e.must(subject, person.Candidate, "application", "open", request.OpenApplication{Acting: client.NewID(), Standard: std.Key}).Record)
}

// support puts a text, a link or a file forward for each indicator of a competence.
func (e *erasure) support(app application.ID, c catalogue.Competence) (file canon.Digest) {
	e.Helper()
	for _, id := range c.Assessable() {
		q := request.SubmitEvidence{Acting: client.NewID(), Application: app, Kind: evidence.Text, Indicators: []catalogue.IndicatorID{id}}
		name := "Text"
		e.pieces++
		switch text := e.scan.plant("evidence-submit"); e.pieces % 4 {
		case 1:
			q.Kind, name = evidence.Link, "Link"
			q.Link = "https://example.org/" + strings.Fields(text)[1] + "/" + estonian
			e.scan.remember("evidence-submit.Link", strings.Fields(text)[1], q.Link)
		case 2:
			q.Kind, name = evidence.File, "File"
			content := "%PDF-1.7\n" + text + strings.Repeat("\n"+text, 2000)
			e.scan.remember("the file", strings.Fields(text)[1], content)
			sum, err := e.as(subject).Upload(e.ctx, strings.NewReader(content), nil)
			if err != nil {
				e.Fatal(err)
			}
			q.File, file = &sum, sum
		default:
			q.Text = text
		}
		e.must(subject, person.Candidate, "evidence", "submit", q, name)
	}
	return file
}

func (e *erasure) handIn(app application.ID, codes ...string) {
	e.Helper()
	e.must(subject, person.Candidate, "competence", "hand-in", request.HandIn{Acting: client.NewID(), Application: app, Competences: codes})
}

// judge claims the next task and judges everything that it asks and offers.
func (e *erasure) judge(outcome assessment.Outcome) {
	e.Helper()
	var claimed request.Receipt
	for {
		err := e.as("a3").Ask(e.ctx, person.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID()}, &claimed)
		if err == nil {
			break
		}
		if !errors.Is(err, fault.NotFound) || e.ctx.Err() != nil {
			e.Fatal(err)
		}
	}
	task := claimed.Claimed
	var seen request.TaskEvidence
	e.ask("a3", person.Assessor, "task", "evidence", request.TaskEvidencePage{Task: task.Task}, &seen)
	q := request.GiveVerdicts{Acting: client.NewID(), Task: task.Task, Fence: task.Fence}
	for _, id := range slices.Concat(task.Asked, task.Offered) {
		q.Verdicts = append(q.Verdicts, request.Verdict{Indicator: id, Outcome: outcome, Reason: e.scan.plant("verdict-give.Verdicts[].Reason")})
	}
	e.must("a3", person.Assessor, "verdict", "give", q, "Verdicts[].Reason")
}

// awarded takes the first case to the register, and says which file is in it.
func (e *erasure) awarded(std *catalogue.Standard) (app application.ID, file canon.Digest) {
	e.Helper()
	app = e.open(std)
	codes := play.Slots(std)
	for _, code := range codes {
		c, _, _ := std.Competence(code)
		if f := e.support(app, c); f != (canon.Digest{}) {
			file = f
		}
	}
	e.handIn(app, codes...)
	e.judge(assessment.NotYetShown)
	for range len(codes) - 1 {
		e.judge(assessment.Shown)
	}
	e.again(app)
	c := e.await(app, application.Proposed)
	e.refusedDecision(c)
	e.must(play.Member, person.Committee, "decision", "make", request.Decide{
		Acting: client.NewID(), Application: app, Proposal: c.Proposal.Proposal, Outcome: award.Award, Reviewed: true,
		Grounds: e.scan.plant("decision-make.Grounds"), LegalBasis: "KutS § 18(2)",
	}, "Grounds")
	e.await(app, application.Registered)
	return app, file
}

// again hands in anew what came back.
func (e *erasure) again(app application.ID) {
	e.Helper()
	for _, comp := range e.await(app, application.Gathering).Competences {
		if !comp.Met && len(comp.Indicators) > 0 && comp.RoundsLeft > 0 && comp.Indicators[0].Reason != "" {
			e.handIn(app, comp.Code)
			e.judge(assessment.Shown)
		}
	}
}

// refusedDecision leaves words in a decision that is refused.
func (e *erasure) refusedDecision(c request.Case) {
	e.Helper()
	q := request.Decide{
		Acting: client.NewID(), Application: c.Application, Proposal: c.Proposal.Proposal, Outcome: award.Award, Reviewed: true,
		Grounds: e.scan.plant("refused"), LegalBasis: e.scan.plant("decision-make.LegalBasis"),
	}
	if err := e.as(play.Member).Ask(e.ctx, person.Committee, "decision", "make", q, nil); !errors.Is(err, fault.Invalid) {
		e.Errorf("a legal basis that is none: %v, want invalid", err)
	}
}

// refused takes a case to its refusal: one competence is not shown in any round.
func (e *erasure) refused(std *catalogue.Standard) application.ID {
	e.Helper()
	app := e.open(std)
	code := play.Slots(std)[0]
	for _, one := range play.Slots(std) {
		if _, g, _ := std.Competence(one); slices.Contains(std.Award.Required, g.Key) {
			code = one
			break
		}
	}
	comp, _, _ := std.Competence(code)
	e.support(app, comp)
	rounds := 0
	for _, c := range e.show(app).Competences {
		if c.Code == code {
			rounds = c.RoundsLeft
		}
	}
	for n := range rounds {
		e.handIn(app, code)
		e.judge(assessment.NotYetShown)
		if n < rounds-1 {
			e.await(app, application.Gathering)
		}
	}
	c := e.await(app, application.Proposed)
	q := request.Decide{
		Acting: client.NewID(), Application: app, Proposal: c.Proposal.Proposal, Outcome: award.Refuse, Reviewed: true,
		Grounds: e.scan.plant("decision-make.Grounds"), LegalBasis: "KutS § 18(2)",
	}
	for _, comp := range c.Competences {
		_, g, _ := std.Competence(comp.Code)
		if comp.Met || !slices.Contains(slices.Concat(std.Award.Required, std.Award.Recurring), g.Key) {
			continue
		}
		for _, i := range comp.Indicators {
			if i.Assessable && !i.Shown {
				q.Reasons = append(q.Reasons, request.Reason{Indicator: i.Indicator, Reason: e.scan.plant("decision-make.Reasons[].Reason")})
			}
		}
	}
	e.must(play.Member, person.Committee, "decision", "make", q, "Grounds", "Reasons[].Reason")
	e.await(app, application.Refused)
	return app
}

// staff is who asks in each role.
var staff = map[person.Role]person.ID{
	person.Candidate: subject, person.Assessor: "a3", person.Committee: play.Member,
	person.Council: play.Auditor, person.Operator: play.Operator,
}

// probe puts a text into each field of each request in turn, and into what is no
// request at all. Whatever is refused must leave no trace.
func (e *erasure) probe() {
	e.Helper()
	for _, f := range fields() {
		if _, known := coded[f.last()]; !known && !free[f.path] {
			e.Errorf("%s is neither planted nor known to take no text of a person", f.path)
		}
		for _, role := range f.endpoint.Roles {
			err := e.as(staff[role]).Ask(e.ctx, role, f.endpoint.Resource, f.endpoint.Verb, f.with(e.scan.plant(f.path)), nil)
			if err == nil && f.endpoint.IsAct() && !free[f.path] {
				e.Errorf("%s as %s took a text", f.path, role)
			}
			if err != nil && fault.Of(err) == "" {
				e.Errorf("%s as %s: %v; want it refused in words", f.path, role, err)
			}
		}
	}
	for _, ep := range request.Endpoints() {
		for _, role := range ep.Roles {
			text := e.scan.plant("what is no request")
			for _, body := range []string{`{"` + text + `":1}`, `{"` + text, text, "\xff" + text} {
				msg := nats.NewMsg(request.Subject(role, staff[role], ep.Resource, ep.Verb))
				msg.Data = []byte(body)
				msg.Header.Set("Upload-Id", text)
				msg.Header.Set("Upload-Offset", text)
				msg.Header.Set("Nats-Msg-Id", text)
				if _, err := e.as(staff[role]).Raw(e.ctx, msg); err == nil {
					e.Errorf("%s took %q", ep.Name(), body)
				}
			}
		}
	}
}

// halfAnUpload leaves chunks that nobody commits.
func (e *erasure) halfAnUpload() {
	e.Helper()
	content := []byte(strings.Repeat(e.scan.plant("half an upload")+"\n", 20_000))
	var up request.Upload
	e.ask(subject, person.Candidate, "blob", "open", request.OpenUpload{Size: int64(len(content)), SHA256: canon.Sum(content)}, &up)
	msg := nats.NewMsg(request.Subject(person.Candidate, subject, "blob", "put"))
	msg.Data = content[:up.ChunkBytes]
	msg.Header.Set("Upload-Id", up.Upload)
	msg.Header.Set("Upload-Offset", "0")
	if _, err := e.as(subject).Raw(e.ctx, msg); err != nil {
		e.Fatal(err)
	}
}

// council does what the council does beside: findings, samples, a case file, a hold.
func (e *erasure) council(app application.ID) {
	e.Helper()
	n := play.Auditor
	e.must(n, person.Council, "audit-finding", "file", request.FileAuditFinding{
		Acting: client.NewID(), Application: app, Kind: request.Observation, Text: e.scan.plant("audit-finding-file.Text"),
	}, "Text")
	e.must(n, person.Council, "sample", "commit", request.CommitSample{Acting: client.NewID(), Title: e.scan.plant("sample-commit.Title")}, "Title")
	e.caseFile(app)
	hold := e.must(n, person.Council, "hold", "place", request.PlaceHold{
		Acting: client.NewID(), Person: subject, Ground: e.scan.plant("hold-place.Ground"), Reference: e.scan.plant("hold-place.Reference"),
	}, "Ground", "Reference")
	err := e.as(n).Ask(e.ctx, person.Council, "person", "erase", request.ErasePerson{
		Acting: client.NewID(), Person: subject, Ground: retention.ByOrder, Reference: e.scan.plant("person-erase.Reference"),
	}, nil)
	if !errors.Is(err, fault.Conflict) {
		e.Errorf("erasing under a hold: %v, want a conflict", err)
	}
	e.must(n, person.Council, "hold", "lift", request.LiftHold{Acting: client.NewID(), Hold: hold.Record, Ground: e.scan.plant("hold-lift.Ground")}, "Ground")
}

// caseFile has the candidate make a case file, and bring it as prior assessment. Its
// digest stands in the log, and may: the file holds salts, so that nobody guesses it
// who does not have the file.
func (e *erasure) caseFile(app application.ID) {
	e.Helper()
	r := e.must(subject, person.Candidate, "casefile", "make", request.MakeCaseFile{Acting: client.NewID(), Application: app})
	var err error
	if e.archive, err = canon.ParseDigest(r.Record); err != nil {
		e.Fatal(err)
	}
	var whole []byte
	for {
		msg := nats.NewMsg(request.Subject(person.Candidate, subject, "casefile", "read"))
		msg.Data, _ = json.Marshal(request.ReadCaseFile{CaseFile: e.archive, Offset: int64(len(whole))})
		b, err := e.as(subject).Raw(e.ctx, msg)
		if err != nil {
			e.Fatal(err)
		}
		if len(b) == 0 {
			break
		}
		whole = append(whole, b...)
	}
	if canon.Sum(whole) != e.archive {
		e.Errorf("the case file has %d bytes with another digest than %s", len(whole), e.archive)
	}
	sum, err := e.as(subject).Upload(e.ctx, bytes.NewReader(whole), nil)
	if err != nil {
		e.Fatal(err)
	}
	e.must(subject, person.Candidate, "prior", "bring", request.BringPrior{Acting: client.NewID(), File: sum})
}

// readers read what others may.
func (e *erasure) readers(app application.ID, file canon.Digest) {
	e.Helper()
	e.ask(play.Member, person.Committee, "case", "show", request.OfApplication{Application: app}, nil)
	e.ask(play.Member, person.Committee, "case", "evidence", request.EvidencePage{Application: app}, nil)
	msg := nats.NewMsg(request.Subject(person.Committee, play.Member, "file", "read"))
	msg.Data, _ = json.Marshal(request.ReadFile{Application: app, File: file})
	b, err := e.as(play.Member).Raw(e.ctx, msg)
	if err != nil || len(e.scan.in("", b)) == 0 {
		e.Errorf("the file reads %d bytes, %v; want what was planted", len(b), err)
	}
}

// readErased reads everything there is of an erased person's case: it reads without
// words, or is refused in words, and never fails.
func (e *erasure) readErased(app application.ID, file canon.Digest) {
	e.Helper()
	var priors request.Priors
	e.ask(subject, person.Candidate, "prior", "list", request.Nothing{}, &priors)
	of, paged := request.OfApplication{Application: app}, request.EvidencePage{Application: app}
	reads := []struct {
		role           person.Role
		resource, verb string
		q              any
	}{
		{person.Candidate, "application", "show", of},
		{person.Candidate, "application", "list", request.Nothing{}},
		{person.Candidate, "evidence", "list", paged},
		{person.Candidate, "reading", "list", request.ReadingPage{}},
		{person.Candidate, "casefile", "read", request.ReadCaseFile{CaseFile: e.archive}},
		{person.Candidate, "file", "read", request.ReadFile{Application: app, File: file}},
		{person.Committee, "case", "show", of},
		{person.Committee, "case", "evidence", paged},
		{person.Committee, "file", "read", request.ReadFile{Application: app, File: file}},
		{person.Council, "casefile", "read", request.ReadCaseFile{CaseFile: e.archive, Application: app, Purpose: reading.Court}},
		{person.Council, "get", "timeline", request.OfCase{Application: app, Purpose: reading.Court}},
		{person.Council, "audit-finding", "list", request.AuditFindingPage{Application: app, Purpose: reading.Court}},
	}
	for _, p := range priors.Priors {
		reads = append(reads, struct {
			role           person.Role
			resource, verb string
			q              any
		}{person.Council, "prior", "show", request.OfPrior{Prior: p.Prior, Purpose: reading.Court}})
	}
	for _, r := range reads {
		msg := nats.NewMsg(request.Subject(r.role, staff[r.role], r.resource, r.verb))
		msg.Data, _ = json.Marshal(r.q)
		b, err := e.as(staff[r.role]).Raw(e.ctx, msg)
		if err != nil && fault.Of(err) == "" {
			e.Errorf("%s.%s as %s: %v; want it read, or refused in words", r.resource, r.verb, r.role, err)
		}
		if hits := e.scan.in("", b); len(hits) > 0 {
			e.Errorf("%s.%s as %s tells what was planted in %s", r.resource, r.verb, r.role, e.scan.all[hits[0].token].field)
		}
		if err == nil && strings.HasSuffix(r.resource, "file") {
			e.Errorf("%s.%s as %s reads %d bytes", r.resource, r.verb, r.role, len(b))
		}
	}
}

// exports takes out what an auditor can, and keeps it for the scan.
func (e *erasure) exports(apps ...application.ID) {
	e.Helper()
	n := e.as(play.Auditor)
	take := func(resource, verb string, q any) json.RawMessage {
		e.Helper()
		var raw json.RawMessage
		if err := n.Ask(e.ctx, person.Council, resource, verb, q, &raw); err != nil {
			e.Errorf("%s.%s: %v", resource, verb, err)
		}
		e.export.Write(raw)
		return raw
	}
	for after := ""; ; {
		var page request.Audit
		if err := json.Unmarshal(take("get", "audit", request.AuditPage{After: after}), &page); err != nil {
			e.Fatal(err)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for _, app := range apps {
		take("get", "timeline", request.OfCase{Application: app, Purpose: reading.Audit})
		take("audit-finding", "list", request.AuditFindingPage{Application: app, Purpose: reading.Audit})
		take("get", "application", request.OfApplication{Application: app, Purpose: reading.Audit})
	}
	take("get", "readings", request.ReadingSearch{Person: subject})
	take("hold", "list", request.HoldPage{Lifted: true})
	take("retention", "show", request.OfPerson{Person: subject})
	take("standard", "list", request.Nothing{})
}

// rows looks through every row of every table there is.
func (e *erasure) rows() (hits []hit, rows int) {
	e.Helper()
	db, err := postgres.Connect(e.sys.Postgres.Superuser)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var tables []string
	if err := db.Select(&tables, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND n.nspname <> 'information_schema' ORDER BY 1`); err != nil {
		e.Fatal(err)
	}
	for _, table := range tables {
		var texts []string
		if err := db.Select(&texts, `SELECT t::text FROM `+table+` t`); err != nil {
			e.Fatalf("%s: %v", table, err)
		}
		for _, text := range texts {
			hits = append(hits, e.scan.in(table, []byte(text))...) // where bytea is written in hexadecimal
			rows++
		}
	}
	if _, err := db.Exec(`CHECKPOINT`); err != nil {
		e.Fatal(err)
	}
	return hits, rows
}

// messages looks through every message of every stream.
func (e *erasure) messages() (hits []hit, messages int) {
	e.Helper()
	names := e.sys.Stream.StreamNames(e.ctx)
	for name := range names.Name() {
		stream, err := e.sys.Stream.Stream(e.ctx, name)
		if err != nil {
			e.Fatal(err)
		}
		state := stream.CachedInfo().State
		for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
			msg, err := stream.GetMsg(e.ctx, seq)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				e.Fatal(err)
			}
			hits = append(hits, e.scan.in("stream "+name, []byte(msg.Subject+"\n"+fmt.Sprint(msg.Header)+"\n"+string(msg.Data)))...)
			messages++
		}
	}
	if err := names.Err(); err != nil {
		e.Fatal(err)
	}
	return hits, messages
}

// control puts one text where none belongs, in every store, and returns its token:
// what does not find it there would find nothing.
func (e *erasure) control() string {
	e.Helper()
	token := strings.Fields(e.scan.plant("control"))[1]
	text := "control " + token // no Estonian letters: wherever those are found, it is a person's text
	db, err := postgres.Connect(e.sys.Postgres.Superuser)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(`CREATE TABLE public.control AS SELECT $1::text AS text`, text); err != nil {
		e.Fatal(err)
	}
	if _, err := e.sys.Stream.CreateStream(e.ctx, jetstream.StreamConfig{Name: "CONTROL", Subjects: []string{"control"}}); err != nil {
		e.Fatal(err)
	}
	if _, err := e.sys.Stream.Publish(e.ctx, "control", []byte(text)); err != nil {
		e.Fatal(err)
	}
	if _, err := e.sys.System.Temporal.ExecuteWorkflow(e.ctx, temporal.StartWorkflowOptions{TaskQueue: "nobody"}, "control", text); err != nil {
		e.Fatal(err)
	}
	for _, folder := range []string{e.sys.Blobs, e.sys.Keys, local.PublishedLog(e.sys.Addresses)} {
		if err := os.WriteFile(filepath.Join(folder, "control"), []byte(text), 0o600); err != nil {
			e.Fatal(err)
		}
	}
	slog.New(slog.NewTextHandler(e.lines, nil)).Info("control", "text", text)
	return token
}

// judgeHits wants the control in each of places and nothing else anywhere.
func (e *erasure) judgeHits(control string, hits []hit, places ...string) {
	e.Helper()
	found := map[string]bool{}
	told := map[string]bool{}
	for _, h := range hits {
		if h.token == control {
			for _, p := range places {
				if strings.HasPrefix(h.place, p) {
					found[p] = true
				}
			}
			continue
		}
		line := fmt.Sprintf("%s holds %s of what was planted in %s (%s)", h.place, h.what, e.scan.all[h.token].field, h.token)
		if !told[line] {
			told[line] = true
			e.Error(line)
		}
	}
	for _, p := range places {
		if !found[p] {
			e.Errorf("the control was not found in %s: nothing would have been", p)
		}
	}
}

// verify verifies the whole log once everything is sealed and published.
func (e *erasure) verify() {
	e.Helper()
	want := int64(e.stats().AuditRows)
	dir := local.PublishedLog(e.sys.Addresses)
	for {
		var size int64
		logs, err := merkle.Logs(e.ctx, merkle.Dir(dir))
		if err != nil && !errors.Is(err, fault.NotFound) {
			e.Fatal(err)
		}
		for _, log := range logs {
			signed, err := log.Source.ReadFile(e.ctx, "checkpoint")
			if err != nil {
				continue
			}
			if c, err := merkle.ParseCheckpoint(signed); err == nil {
				size += c.Size
			}
		}
		if size >= want {
			break
		}
		if err := e.ctx.Err(); err != nil {
			e.Fatalf("%d of %d audit rows are published: %v", size, want, err)
		}
	}
	logs, err := merkle.Logs(e.ctx, merkle.Dir(dir))
	if err != nil {
		e.Fatal(err)
	}
	for _, log := range logs {
		report, err := merkle.Verify(e.ctx, log.Source, merkle.Options{})
		if err != nil || !report.OK() || report.Size == 0 {
			e.Errorf("the log of %s: %+v, %v; want it whole", log.Year, report, err)
		}
	}
}

// kutse types a command that works on the database, and returns what it printed.
func (e *erasure) kutse(args ...string) string {
	e.Helper()
	var out, talk bytes.Buffer
	args = append(args, "--json", "--database", e.sys.Postgres.Service, "--kek", "file:"+filepath.Join(e.sys.Keys, "kek.json"))
	if code := cli.Main(e.ctx, args, &out, &talk); code != 0 {
		e.Fatalf("%v exits with %d: %s", args, code, talk.String())
	}
	e.export.Write(out.Bytes())
	e.export.Write(talk.Bytes())
	return out.String()
}

// keep makes a copy of a person's key, as a backup would.
func (e *erasure) keep() {
	e.Helper()
	e.exec(`CREATE TABLE public.backup AS SELECT * FROM kutse_keys.data_key WHERE person = 'px'`)
}

func (e *erasure) exec(text string) {
	e.Helper()
	db, err := postgres.Connect(e.sys.Postgres.Superuser)
	if err != nil {
		e.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(text); err != nil {
		e.Fatal(err)
	}
}

// restore brings the key back, as a backup would, and honours the erasure: by the
// tombstone, and then, for a backup that is older still, by the published log.
func (e *erasure) restore() {
	e.Helper()
	log := local.PublishedLog(e.sys.Addresses)
	logs, err := merkle.Logs(e.ctx, merkle.Dir(log))
	if err != nil {
		e.Fatal(err)
	}
	vkeys, err := logs[0].Source.ReadFile(e.ctx, "keys")
	if err != nil {
		e.Fatal(err)
	}
	var list request.Applications
	for _, by := range [][]string{nil, {"--log", log, "--key", strings.Fields(string(vkeys))[0]}} {
		e.exec(`INSERT INTO kutse_keys.data_key SELECT * FROM public.backup`)
		said := e.kutse(append([]string{"keys", "honour"}, by...)...)
		if !strings.Contains(said, `"px"`) {
			e.Errorf("honouring by %v says %s; want the key of px destroyed", by, said)
		}
	}
	e.ask(subject, person.Candidate, "application", "list", request.Nothing{}, &list)
	if c := e.show(list.Applications[0].Application); c.Decisions[0].Grounds != "[erased]" {
		e.Errorf("after honouring, the grounds read %q", c.Decisions[0].Grounds)
	}
}

// rotate changes the key-encryption key under the running system.
func (e *erasure) rotate() {
	e.Helper()
	e.kutse("keys", "rotate")
	e.kutse("keys", "forget")
	if shown := e.kutse("keys", "show"); strings.Count(shown, `"key"`) != 1 {
		e.Errorf("after forgetting, there are %s", shown)
	}
	e.must(play.Operator, person.Operator, "person", "add", request.AddPerson{
		Acting: client.NewID(), Person: "after-rotation", Name: e.scan.plant("person-add.Name"), Roles: []person.Role{person.Candidate},
	})
}

func (e *erasure) check() {
	e.Helper()
	key, err := kek.Open("file:" + filepath.Join(e.sys.Keys, "kek.json"))
	if err != nil {
		e.Fatal(err)
	}
	report, err := check.Run(e.ctx, check.Options{
		Database: e.sys.Postgres.Service, KEK: key, Blobs: e.sys.Blobs, Now: time.Now(), SealedIn: time.Minute,
		Found: func(f check.Fault) error { e.Error(f); return nil },
	})
	if err != nil || report.Cases != 2 || report.Erased != 2 {
		e.Errorf("checked %+v, %v; want both cases without faults", report, err)
	}
}

// Nothing of an erased person is found anywhere: not in a table, a stream, a
// workflow, a file, a log line or an export, in no form; and nothing of what was
// ever refused either. What was decided stays, can be counted, and verifies.
func TestNothingOfAnErasedPersonIsFoundAnywhere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts a whole system and plays two cases")
	}
	e := startErasure(t)
	stopped := sync.OnceFunc(e.stop)
	defer stopped()
	add := request.AddPerson{
		Acting: client.NewID(), Person: subject, Name: e.scan.plant("person-add.Name"), Contact: e.scan.plant("person-add.Contact"),
		Roles: []person.Role{person.Candidate},
	}
	e.must(play.Operator, person.Operator, "person", "add", add, "Name", "Contact")
	full, err := catalogue.ByKey("it-project-planner-manager")
	if err != nil {
		t.Fatal(err)
	}
	other, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		t.Fatal(err)
	}
	first, file := e.awarded(full)
	second := e.refused(other)
	e.readers(first, file)
	e.council(first)
	e.probe()
	e.halfAnUpload()

	before, stats := e.show(first), e.stats()
	if len(e.scan.in("", []byte(fmt.Sprint(before.Decisions)))) == 0 {
		t.Fatal("the grounds do not read what was planted, so that erasing them proves nothing")
	}
	if entries, err := os.ReadDir(filepath.Join(e.sys.Blobs, string(subject))); err != nil || len(entries) == 0 {
		t.Fatalf("the person has no files (%v), so that their removal proves nothing", err)
	}
	e.keep()
	e.must(play.Auditor, person.Council, "person", "erase", request.ErasePerson{
		Acting: client.NewID(), Person: subject, Ground: retention.ByOrder, Reference: e.scan.plant("person-erase.Reference"),
	}, "Reference")
	if _, err := os.Stat(filepath.Join(e.sys.Blobs, string(subject))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the person's folder: %v, want it gone", err)
	}

	for path := range free {
		if !e.accept[path] {
			t.Errorf("%s was never planted in a request that was accepted", path)
		}
	}
	for _, app := range []application.ID{first, second} {
		if c := e.show(app); c.Decisions[0].Grounds != "[erased]" || !c.State.Ended() {
			t.Errorf("the case reads %+v, want its decision without words", c)
		}
	}
	now := e.stats()
	if now.Decisions != stats.Decisions || now.Entries != stats.Entries || now.Verdicts != stats.Verdicts || now.Submissions != stats.Submissions ||
		now.Applications[application.Refused] != 1 || now.Applications[application.Registered] != 1 {
		t.Errorf("the record counts %+v, before %+v", now, stats)
	}
	e.readErased(first, file)
	e.exports(first, second)
	e.verify()
	e.restore()
	e.rotate()
	e.check()

	control := e.control()
	hits, rows := e.rows()
	e.judgeHits(control, hits, "public.control")
	hits, messages := e.messages()
	e.judgeHits(control, hits, "stream CONTROL")
	data := e.sys.Data
	stopped()
	e.judgeHits(control, e.scan.in("log lines", e.lines.bytes()), "log lines")
	e.judgeHits(control, e.scan.in("exports", e.export.Bytes()))
	hits, read := e.scan.folder(t, data)
	e.judgeHits(control, hits, "pg/base", "pg/pg_wal", "nats", "temporal", "blobs", "keys", "log")
	t.Logf("looked for %d texts in %d rows, %d messages, %d bytes of log lines and %d MB of files",
		len(e.scan.all), rows, messages, len(e.lines.bytes()), read>>20)
}
