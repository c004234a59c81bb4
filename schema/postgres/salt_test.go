package postgres_test

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/procedure"
	"github.com/kutse-dev/kutse/schema/retention"
)

// actName finds what the acts of people are called, in the source.
var actName = regexp.MustCompile(`s\.act(?:On)?\(ctx, a, ("[a-z.-]+"|makeCaseFile)`)

// actsOfPeople are the names of all acts that people do.
func actsOfPeople(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range actName.FindAllSubmatch(text, -1) {
			names[strings.Trim(strings.Replace(string(m[1]), "makeCaseFile", "casefile.make", 1), `"`)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// What a person asked for is salted under the key of whom it may tell about, so that
// nothing tells any more, after their erasure, what it was. Whoever adds an act says
// here whose key that is.
func TestWhoseKeySaltsARequest(t *testing.T) {
	t.Parallel()
	s := beginSampling(t)
	const (
		candidate = person.ID("c1")
		assessor  = person.ID("a1")
		member    = person.ID("k1")
		council   = person.ID("n1")
		operator  = person.ID("op")
	)
	id := postgrestest.NewID
	ring := newRing(t)
	c, a, m, n, op := postgrestest.Candidate, postgrestest.Assessor, postgrestest.Member, postgrestest.Auditor, postgrestest.Operator
	stored := s.stored([]byte("a case file of somewhere else"))
	s.support("B.2.8")
	var task request.ClaimedTask
	var hold request.Receipt
	var deny request.Decide
	std, err := s.std.YAML()
	if err != nil {
		t.Fatal(err)
	}
	asked := []struct {
		act  string
		of   person.ID
		does func() (request.Receipt, error)
	}{
		{"standard.load", operator, func() (request.Receipt, error) {
			return s.LoadStandard(s.ctx, op, request.LoadStandard{Acting: id(), YAML: string(std)})
		}},
		{"procedure.load", operator, func() (request.Receipt, error) {
			return s.LoadProcedure(s.ctx, op, request.LoadProcedure{Acting: id(), YAML: procedure.DefaultYAML()})
		}},
		{"person.add", "c9", func() (request.Receipt, error) {
			return s.AddPerson(s.ctx, op, request.AddPerson{Acting: id(), Person: "c9", Name: "Uus", Roles: []person.Role{person.Candidate}})
		}},
		{"application.open", "c9", func() (request.Receipt, error) {
			return s.OpenApplication(s.ctx, postgres.Actor{ID: "c9", Role: person.Candidate}, request.OpenApplication{Acting: id(), Standard: itManager})
		}},
		{"blob.commit", candidate, func() (request.Receipt, error) {
			return s.CommitUpload(s.ctx, c, request.CommitUpload{Acting: id(), Upload: "u"}, stored)
		}},
		{"prior.bring", candidate, func() (request.Receipt, error) {
			return s.BringPrior(s.ctx, c, request.BringPrior{Acting: id(), File: stored.Digest}, postgres.Brought{})
		}},
		{"evidence.submit", candidate, func() (request.Receipt, error) { return s.SubmitEvidence(s.ctx, c, s.text("mine", "B.2.8/1")) }},
		{"competence.hand-in", candidate, func() (request.Receipt, error) {
			r, err := s.HandIn(s.ctx, c, request.HandIn{Acting: id(), Application: s.app, Competences: []string{"B.2.8"}})
			if err == nil {
				_, err = s.OpenAssessment(s.ctx, s.app, []assessment.RoundID{assessment.RoundID(r.Record)})
			}
			return r, err
		}},
		{"task.claim", assessor, func() (request.Receipt, error) {
			r, err := s.ClaimTask(s.ctx, a, request.ClaimTask{Acting: id()})
			if err == nil {
				task = *r.Claimed
			}
			return r, err
		}},
		{"task.release", assessor, func() (request.Receipt, error) {
			return s.ReleaseTask(s.ctx, a, request.ReleaseTask{Acting: id(), Task: task.Task})
		}},
		{"verdict.give", candidate, func() (request.Receipt, error) {
			task = s.claim(a)
			q := request.GiveVerdicts{Acting: id(), Task: task.Task, Fence: task.Fence}
			for _, of := range task.Asked {
				q.Verdicts = append(q.Verdicts, request.Verdict{Indicator: of, Outcome: assessment.NotYetShown, Reason: "It does not say what you did."})
			}
			return s.GiveVerdicts(s.ctx, a, q)
		}},
		{"audit-finding.file", candidate, func() (request.Receipt, error) {
			return s.FileAuditFinding(s.ctx, n, s.finding("The reasons are thin."))
		}},
		{"casefile.make", candidate, func() (request.Receipt, error) { return s.makeCaseFile(n, ring) }},
		{"decision.make", candidate, func() (request.Receipt, error) {
			deny = s.lost()
			return s.Decide(s.ctx, m, deny)
		}},
		{"hold.place", candidate, func() (request.Receipt, error) {
			var err error
			hold, err = s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: id(), Person: candidate, Ground: "An action is pending.", Reference: "3-26-1"})
			return hold, err
		}},
		{"hold.lift", candidate, func() (request.Receipt, error) {
			return s.LiftHold(s.ctx, n, request.LiftHold{Acting: id(), Hold: hold.Record, Ground: "It is settled."})
		}},
		{"application.withdraw", "c9", func() (request.Receipt, error) {
			apps, err := s.Applications(s.ctx, postgres.Actor{ID: "c9", Role: person.Candidate})
			if err != nil {
				return request.Receipt{}, err
			}
			return s.WithdrawApplication(s.ctx, postgres.Actor{ID: "c9", Role: person.Candidate}, request.WithdrawApplication{Acting: id(), Application: apps.Applications[0].Application})
		}},
		{"sample.commit", council, func() (request.Receipt, error) {
			return s.CommitSample(s.ctx, n, request.CommitSample{Acting: id(), Title: "2027"})
		}},
		{"sample.draw", council, func() (request.Receipt, error) { return s.DrawSample(s.ctx, n, s.ask(1)) }},
		// Its receipt outlives whom it is about.
		{"person.erase", council, func() (request.Receipt, error) {
			return s.ErasePerson(s.ctx, n, erasing("c9", retention.ByOrder))
		}},
	}
	var listed []string
	for _, of := range asked {
		listed = append(listed, of.act)
		r, err := of.does()
		if err != nil {
			t.Fatalf("%s: %v", of.act, err)
		}
		want, err := s.Sealer().Salt(of.of, "request."+r.Request)
		if err != nil || r.Salt != want {
			t.Errorf("%s is not salted under the key of %s (%v)", of.act, of.of, err)
		}
	}
	slices.Sort(listed)
	if want := actsOfPeople(t); !slices.Equal(listed, want) {
		t.Errorf("said of %v, and there are %v", listed, want)
	}

	// Of all that people do in a case, its file says the salt, or not, and why.
	withheld := []string{
		"audit-finding.file",         // the candidate is not shown what it says
		"task.claim", "task.release", // under the assessor's key
	}
	for _, of := range asked {
		if slices.Contains(postgres.SaltsGiven(), of.act) && of.of != candidate && of.of != "c9" {
			t.Errorf("the salt of %s is given away, and is of %s", of.act, of.of)
		}
	}
	var inCases []string
	if err := superuser(t, s.Record).Select(&inCases, `SELECT DISTINCT act COLLATE "C" FROM kutse.audit WHERE application IS NOT NULL AND request <> '' ORDER BY 1`); err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values(slices.Concat(postgres.SaltsGiven(), withheld))); !slices.Equal(inCases, want) {
		t.Errorf("in cases people do %v, and the salts are given or withheld of %v", inCases, want)
	}
}

// makeCaseFile makes a case file of the story as the door does.
func (s *story) makeCaseFile(by postgres.Actor, keys *ring) (request.Receipt, error) {
	s.t.Helper()
	skey, _, err := casefile.NewKey("kutse.test")
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := casefile.ParseKey(skey)
	if err != nil {
		s.t.Fatal(err)
	}
	sealAll(s.t, s.Record, keys)
	req := request.MakeCaseFile{Acting: postgrestest.NewID(), Application: s.app, Purpose: "audit"}
	made, err := s.CaseFile(s.ctx, by, req, key)
	if err != nil {
		return request.Receipt{}, err
	}
	made.File.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(e.Text)), nil
	}
	var b strings.Builder
	if err := casefile.Write(&b, made.File, key.Signer); err != nil {
		return request.Receipt{}, err
	}
	return s.MakeCaseFile(s.ctx, by, req, made, s.stored([]byte(b.String())))
}

// lost takes the case to a proposal to refuse, and returns the decision on it.
func (s *story) lost() request.Decide {
	s.t.Helper()
	s.weigh()
	for range 2 {
		s.handIn("B.2.8")
		s.judge(postgrestest.Assessor, s.claim(postgrestest.Assessor), assessment.NotYetShown)
		s.weigh()
	}
	d := s.decision(s.propose(), award.Refuse)
	for _, c := range s.std.Competences() {
		for _, id := range c.Assessable() {
			d.Reasons = append(d.Reasons, request.Reason{Indicator: id, Reason: "It was not shown."})
		}
	}
	return d
}

// After an erasure, the record answers a right guess and a wrong one alike.
func TestTheGroundOfAHoldCannotBeGuessedAfterAnErasure(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withdraw()
	n := postgrestest.Auditor
	place := request.PlaceHold{Acting: postgrestest.NewID(), Person: "c1", Ground: "c1 has accused their assessor", Reference: "2-26-17"}
	placed := s.must(s.PlaceHold(s.ctx, n, place))
	lift := request.LiftHold{Acting: postgrestest.NewID(), Hold: placed.Record, Ground: "settled with c1"}
	lifted := s.must(s.LiftHold(s.ctx, n, lift))
	for what, again := range map[string]func() (request.Receipt, error){
		"placing": func() (request.Receipt, error) { return s.PlaceHold(s.ctx, n, place) },
		"lifting": func() (request.Receipt, error) { return s.LiftHold(s.ctx, n, lift) },
	} {
		want := placed
		if what == "lifting" {
			want = lifted
		}
		if got := s.must(again()); got.Digest != want.Digest || got.Salt != want.Salt || got.Salt == (canon.Salt{}) {
			t.Errorf("%s again: %+v, want the receipt %+v", what, got, want)
		}
	}
	s.erase("c1")
	var told []string
	for _, ground := range []string{place.Ground, "another guess"} {
		place.Ground = ground
		_, err := s.PlaceHold(s.ctx, n, place)
		s.refuses("placing after the erasure", err, fault.Conflict, "c1 was erased")
		told = append(told, fault.Message(err))
	}
	for _, ground := range []string{lift.Ground, "another guess"} {
		lift.Ground = ground
		_, err := s.LiftHold(s.ctx, n, lift)
		s.refuses("lifting after the erasure", err, fault.Conflict, "c1 was erased")
		told = append(told, fault.Message(err))
	}
	if told[0] != told[1] || told[2] != told[3] {
		t.Errorf("a right guess and a wrong one are told apart: %q", told)
	}
}

// Whoever is erased while they act has acted before it, or not at all.
func TestNobodyActsOnAnApplicationAfterTheirErasure(t *testing.T) {
	t.Parallel()
	s := begin(t)
	k9 := postgres.Actor{ID: "k9", Role: person.Committee}
	s.addPerson(request.AddPerson{Person: k9.ID, Name: "Üheksas Liige", Roles: []person.Role{person.Committee}})
	s.support("B.2.8")
	s.handIn("B.2.8")
	s.judge(postgrestest.Assessor, s.claim(postgrestest.Assessor), assessment.NotYetShown)
	decision := s.lost()

	db := superuser(t, s.Record)
	hinder := db.MustBegin()
	hinder.MustExec(`SELECT FROM kutse_keys.data_key WHERE person = 'k9' FOR UPDATE`)
	erased, decided := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.ErasePerson(s.ctx, postgrestest.Auditor, erasing(k9.ID, retention.ByOrder))
		erased <- err
	}()
	s.waiting(1, erased) // the erasure, for the key's row
	go func() {
		_, err := s.Decide(s.ctx, k9, decision)
		decided <- err
	}()
	s.waiting(2, decided) // and the decision, for the erasure
	if err := hinder.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-erased; err != nil {
		t.Errorf("erasing: %v", err)
	}
	s.refuses("deciding meanwhile", <-decided, fault.Conflict, "k9 was erased")
	var late int
	if err := db.Get(&late, `SELECT count(*) FROM kutse.audit a JOIN kutse.erasure e ON e.person = a.actor WHERE a.at > e.at`); err != nil || late != 0 {
		t.Errorf("%d acts after an erasure (%v)", late, err)
	}
}

// waiting returns when so many sessions wait for a lock, and fails when what is to
// wait ends instead.
func (s *story) waiting(want int, ended <-chan error) {
	s.t.Helper()
	db := superuser(s.t, s.Record)
	for n := 0; n < want; {
		if err := db.Get(&n, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`); err != nil {
			s.t.Fatal(err)
		}
		select {
		case err := <-ended:
			s.t.Fatalf("it ended without waiting: %v", err)
		default:
		}
	}
}
