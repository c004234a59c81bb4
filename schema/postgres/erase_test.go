package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
	"github.com/kutse-dev/kutse/schema/retention"
)

// second is another member of the council, for what nobody does alone.
var second = postgres.Actor{ID: "n2", Role: person.Council}

// erasing asks for the erasure of a person.
func erasing(p person.ID, ground retention.Ground) request.ErasePerson {
	return request.ErasePerson{Acting: postgrestest.NewID(), Person: p, Ground: ground, Reference: "12.3-4/17"}
}

func (s *story) addPerson(p request.AddPerson) {
	s.t.Helper()
	p.Acting = postgrestest.NewID()
	s.must(s.AddPerson(s.ctx, postgrestest.Operator, p))
}

func (s *story) withdraw() {
	s.t.Helper()
	s.must(s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: s.app}))
}

// at moves the clock, and prepares the months there.
func (s *story) at(now time.Time) {
	s.t.Helper()
	s.Clock.Set(now)
	if err := s.EnsurePartitions(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) erase(p person.ID) request.Receipt {
	s.t.Helper()
	return s.must(s.ErasePerson(s.ctx, postgrestest.Auditor, erasing(p, retention.ByOrder)))
}

// refuses says that an act was refused as kind, in words that hold all of parts.
func (s *story) refuses(what string, err error, kind fault.Kind, parts ...string) {
	s.t.Helper()
	if fault.Of(err) != kind {
		s.t.Errorf("%s: %v, want %s", what, err, kind)
		return
	}
	for _, part := range parts {
		if !strings.Contains(fault.Message(err), part) {
			s.t.Errorf("%s: %q does not say %q", what, fault.Message(err), part)
		}
	}
}

// toRegister plays the case to its register entry.
func (s *story) toRegister() {
	s.t.Helper()
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(s.assessAll(), award.Award)))
	if _, err := s.EnterRegister(s.ctx, s.app); err != nil {
		s.t.Fatal(err)
	}
}

// eraseWithAHold places a hold, lifts it, withdraws and erases.
func (s *story) eraseWithAHold() {
	s.t.Helper()
	n := postgrestest.Auditor
	hold := s.must(s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: postgrestest.NewID(), Person: "c1", Ground: "An action is pending.", Reference: "3-26-1"}))
	s.must(s.LiftHold(s.ctx, n, request.LiftHold{Acting: postgrestest.NewID(), Hold: hold.Record, Ground: "It is settled."}))
	s.withdraw()
	s.erase("c1")
}

func (s *story) keys() []string {
	s.t.Helper()
	var people []string
	if err := connect(s.t, s.DB.Superuser).Select(&people, `SELECT person FROM kutse_keys.data_key ORDER BY person`); err != nil {
		s.t.Fatal(err)
	}
	return people
}

func TestNothingOfAnErasedPersonIsLeftButTheFacts(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.toRegister()
	before, stats := s.see(), s.stats()
	r := s.erase(postgrestest.Candidate.ID)
	if r.Record != "c1" || slices.Contains(s.keys(), "c1") {
		t.Errorf("record %q, keys of %v; want that of c1 gone", r.Record, s.keys())
	}

	after := s.see()
	for _, d := range after.Decisions {
		if d.Grounds != "[erased]" {
			t.Errorf("the grounds read %q, want [erased]", d.Grounds)
		}
	}
	if after.State != application.Registered || after.Entry == nil || after.Entry.Number != before.Entry.Number || len(after.Decisions) != len(before.Decisions) {
		t.Errorf("the case reads %+v, want the facts of %+v", after, before)
	}
	list, err := s.Evidence(s.ctx, postgrestest.Member, request.EvidencePage{Application: s.app})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("evidence %v, %v", list, err)
	}
	for _, item := range list.Items {
		if item.Text != "[erased]" || item.Salt != (canon.Salt{}) || item.Digest == (canon.Digest{}) {
			t.Errorf("an item reads %+v, want its digest alone", item)
		}
	}
	now := s.stats()
	if now.Decisions != stats.Decisions || now.Entries != stats.Entries || now.Verdicts != stats.Verdicts || now.Submissions != stats.Submissions {
		t.Errorf("the record counts %+v, before %+v", now, stats)
	}

	db := connect(t, s.DB.Superuser)
	var row struct{ Act, Candidate, Object, Records string }
	if err := db.Get(&row, `SELECT act, candidate, object, array_to_string(records, ',') AS records FROM audit WHERE request = $1`, r.Request); err != nil ||
		row.Act != "person.erase" || row.Candidate != "c1" || row.Object != "c1" || !strings.Contains(row.Records, "erasure c1 ") {
		t.Errorf("the audit row reads %+v, %v", row, err)
	}
	var body string
	if err := db.Get(&body, `SELECT body FROM event WHERE type = 'person.erased.v1' AND order_key = 'c1' AND subject = 'evt.v1.person.c1.person.erased'`); err != nil ||
		!strings.Contains(body, `"ground":"order"`) || strings.Contains(body, "12.3-4/17") {
		t.Errorf("the event reads %s, %v", body, err)
	}
}

func TestErasingIsRefused(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ask := func(a postgres.Actor, p person.ID, g retention.Ground) error {
		_, err := s.ErasePerson(s.ctx, a, erasing(p, g))
		return err
	}
	n := postgrestest.Auditor
	s.refuses("with an open application", ask(n, "c1", retention.ByOrder), fault.Conflict, string(s.app), "withdraw")
	s.refuses("oneself", ask(n, n.ID, retention.ByRequest), fault.Forbidden, "nobody erases themselves")
	s.refuses("whom nobody knows", ask(n, "nobody", retention.ByRequest), fault.NotFound)
	s.refuses("what is no id", ask(n, "No Body", retention.ByRequest), fault.Invalid)
	s.refuses("without a ground", ask(n, "c2", ""), fault.Invalid, "ground")
	s.refuses("by whoever is not on the council", ask(postgres.Actor{ID: "k1", Role: person.Council}, "c2", retention.ByRequest), fault.Forbidden)
	blank := erasing("c2", retention.ByRequest)
	blank.Reference = " "
	_, err := s.ErasePerson(s.ctx, n, blank)
	s.refuses("without a reference", err, fault.Invalid, "reference")

	s.withdraw()
	s.refuses("while the term runs", ask(n, "c1", retention.ByRequest), fault.Conflict, "portfolio_withdrawn", time.Now().AddDate(0, 6, 0).UTC().Format("2006-01"), "order")
	hold := s.must(s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: postgrestest.NewID(), Person: "c1", Ground: "An action is pending.", Reference: "3-26-1"}))
	s.refuses("under a hold, on an order", ask(n, "c1", retention.ByOrder), fault.Conflict, hold.Record, "lift")
	s.must(s.LiftHold(s.ctx, n, request.LiftHold{Acting: postgrestest.NewID(), Hold: hold.Record, Ground: "It is settled."}))
	s.erase("c1")
}

func TestAnAssessorWithATaskReleasesItFirst(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	task := s.claim(postgrestest.Assessor)
	_, err := s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("a1", retention.ByOrder))
	s.refuses("with a task", err, fault.Conflict, string(task.Task), "release")
	s.must(s.ReleaseTask(s.ctx, postgrestest.Assessor, request.ReleaseTask{Acting: postgrestest.NewID(), Task: task.Task}))
	_, err = s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("a1", retention.ByTerm))
	s.refuses("while the term of staff runs", err, fault.Conflict, "staff")
	s.erase("a1")
	_, err = s.ClaimTask(s.ctx, postgrestest.Assessor, request.ClaimTask{Acting: postgrestest.NewID()})
	s.refuses("claiming after that", err, fault.Conflict, "a1 was erased")
	_, err = s.Tasks(s.ctx, postgrestest.Assessor, request.TaskPage{})
	s.refuses("listing tasks after that", err, fault.Forbidden)
	if got := s.claim(postgrestest.Second); got.Task != task.Task {
		t.Errorf("the next assessor claimed %s, want %s", got.Task, task.Task)
	}
}

func TestErasingTwiceSaysWhenItWasDone(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withdraw()
	first := erasing("c1", retention.ByOrder)
	r := s.must(s.ErasePerson(s.ctx, postgrestest.Auditor, first))
	if again := s.must(s.ErasePerson(s.ctx, postgrestest.Auditor, first)); again.Digest != r.Digest || again.Salt != r.Salt || !again.At.Equal(r.At) {
		t.Errorf("the same request again: %+v, want %+v", again, r)
	}
	_, err := s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c1", retention.ByOrder))
	s.refuses("erasing again", err, fault.Conflict, "c1 was erased already", r.At.Format(time.RFC3339))
}

func TestOfErasuresAtOnceOneIsDone(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.addPerson(request.AddPerson{Person: second.ID, Name: "Niina Nõukogu", Roles: []person.Role{person.Council}})
	s.withdraw()
	same := erasing("c1", retention.ByOrder)
	errs := make([]error, 12)
	receipts := make([]request.Receipt, len(errs))
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			switch i % 3 {
			case 0:
				receipts[i], errs[i] = s.ErasePerson(s.ctx, postgrestest.Auditor, same)
			case 1:
				receipts[i], errs[i] = s.ErasePerson(s.ctx, second, erasing("c1", retention.ByOrder))
			default:
				receipts[i], errs[i] = s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c1", retention.ByOrder))
			}
		})
	}
	all.Wait()
	done := map[string]bool{}
	for i, err := range errs {
		switch {
		case err == nil:
			done[receipts[i].Request] = true
		case fault.Of(err) != fault.Conflict:
			t.Errorf("an erasure ended with %v, want done or a conflict", err)
		}
	}
	var tombstones int
	if err := connect(t, s.DB.Superuser).Get(&tombstones, `SELECT count(*) FROM erasure`); err != nil || tombstones != 1 || len(done) != 1 {
		t.Errorf("%d tombstones by the requests %v (%v), want one", tombstones, done, err)
	}
}

// Two members who erase each other: one of them does.
func TestTwoWhoEraseEachOther(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.addPerson(request.AddPerson{Person: second.ID, Name: "Niina Nõukogu", Roles: []person.Role{person.Council}})
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() {
		_, errs[0] = s.ErasePerson(s.ctx, postgrestest.Auditor, erasing(second.ID, retention.ByRequest))
	})
	both.Go(func() {
		_, errs[1] = s.ErasePerson(s.ctx, second, erasing(postgrestest.Auditor.ID, retention.ByRequest))
	})
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v and %v, want one erased and one refused", errs[0], errs[1])
	}
}

func TestActsAboutAnErasedPersonAreRefusedInWords(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withdraw()
	s.erase("c1")
	n := postgrestest.Auditor
	for what, err := range map[string]error{
		"opening an application": errOf(s.OpenApplication(s.ctx, postgrestest.Candidate, request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager})),
		"putting evidence":       errOf(s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("late", "B.2.8/1"))),
		"giving a role": errOf(s.AddPerson(s.ctx, postgrestest.Operator, request.AddPerson{
			Acting: postgrestest.NewID(), Person: "c1", Name: "Mari", Roles: []person.Role{person.Assessor},
		})),
		"recording a file": errOf(s.CommitUpload(s.ctx, postgrestest.Candidate, request.CommitUpload{Acting: postgrestest.NewID()}, blob.Stored{})),
		"placing a hold": errOf(s.PlaceHold(s.ctx, n, request.PlaceHold{
			Acting: postgrestest.NewID(), Person: "c1", Ground: "late", Reference: "late",
		})),
	} {
		s.refuses(what, err, fault.Conflict, "c1", "erased")
	}
	late := evidenceFile(s)
	_, err := s.FileOwner(s.ctx, postgrestest.Member, request.ReadFile{Application: s.app, File: late})
	if kind := fault.Of(err); kind != fault.Conflict && kind != fault.NotFound {
		t.Errorf("reading a file: %v, want it refused in words", err)
	}
	if apps, err := s.Applications(s.ctx, postgrestest.Candidate); err != nil || len(apps.Applications) != 1 {
		t.Errorf("their own list: %v, %v; want what is left of it", apps, err)
	}
}

func errOf(_ request.Receipt, err error) error { return err }

func evidenceFile(*story) canon.Digest { return canon.Sum([]byte("a file")) }

// What the person does while they are erased is done before, or refused: nothing
// is left open.
func TestErasingWhileThePersonActs(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withdraw()
	working, stop := context.WithCancel(s.ctx)
	var people sync.WaitGroup
	for i := range 4 {
		people.Go(func() {
			for n := 0; working.Err() == nil; n++ {
				var err error
				if i%2 == 0 {
					var r request.Receipt
					r, err = s.OpenApplication(s.ctx, postgrestest.Candidate, request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager})
					if err == nil {
						_, err = s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: application.ID(r.Record)})
					}
				} else {
					sum := canon.Sum(fmt.Append(nil, i, n))
					var address canon.Salt
					if address, err = s.Sealer().Salt("c1", blob.Record(sum)); err == nil {
						_, err = s.CommitUpload(s.ctx, postgrestest.Candidate, request.CommitUpload{Acting: postgrestest.NewID()}, blob.Stored{Digest: sum, Address: address, Size: 1})
					}
				}
				if err != nil && fault.Of(err) != fault.Conflict && !strings.Contains(err.Error(), "was erased") {
					t.Errorf("an act ended with %v, want done or a conflict", err)
				}
			}
		})
	}
	for {
		_, err := s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c1", retention.ByOrder))
		if err == nil {
			break
		}
		if fault.Of(err) != fault.Conflict {
			t.Errorf("erasing: %v", err)
			break
		}
	}
	stop()
	people.Wait()
	var open, late int
	db := connect(t, s.DB.Superuser)
	if err := db.Get(&open, `SELECT count(*) FROM application WHERE candidate = 'c1' AND state NOT IN ('withdrawn', 'refused', 'registered')`); err != nil || open != 0 {
		t.Errorf("%d applications of the erased person are open (%v)", open, err)
	}
	if err := db.Get(&late, `SELECT count(*) FROM audit a, erasure e WHERE a.actor = 'c1' AND a.at > e.at`); err != nil || late != 0 {
		t.Errorf("%d acts of the erased person were recorded after the erasure (%v)", late, err)
	}
}

func TestARecordWithoutOperatorsMayHaveAFirstOneAgain(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.erase(postgrestest.Operator.ID)
	if err := s.FirstOperator(s.ctx, "op2", "Oskar Operaator"); err != nil {
		t.Fatal(err)
	}
	s.must(s.AddPerson(s.ctx, postgres.Actor{ID: "op2", Role: person.Operator}, request.AddPerson{
		Acting: postgrestest.NewID(), Person: "c9", Name: "Uus", Roles: []person.Role{person.Candidate},
	}))
}

func TestEveryErasedPersonIsListed(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.withdraw()
	want := []person.ID{"a2", "c1", "c2", "k1"}
	for _, p := range want {
		s.erase(p)
	}
	var got []person.ID
	if err := s.EachErased(s.ctx, func(p person.ID) error { got = append(got, p); return nil }); err != nil || !slices.Equal(got, want) {
		t.Errorf("erased are %v, %v; want %v", got, err, want)
	}
	stop := errors.New("stop")
	if err := s.EachErased(s.ctx, func(person.ID) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the error of whom it was handed to", err)
	}
}

func TestLegalHolds(t *testing.T) {
	t.Parallel()
	s := begin(t)
	n := postgrestest.Auditor
	place := func(p person.ID) request.Receipt {
		return s.must(s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: postgrestest.NewID(), Person: p, Ground: "Tšellist " + string(p), Reference: "3-26-" + string(p)}))
	}
	first, other := place("c1"), place("c2")
	s.must(s.LiftHold(s.ctx, n, request.LiftHold{Acting: postgrestest.NewID(), Hold: first.Record, Ground: "It is settled."}))
	_, err := s.LiftHold(s.ctx, n, request.LiftHold{Acting: postgrestest.NewID(), Hold: first.Record, Ground: "Again."})
	s.refuses("lifting again", err, fault.Conflict, "was lifted on")
	_, err = s.LiftHold(s.ctx, n, request.LiftHold{Acting: postgrestest.NewID(), Hold: postgrestest.NewID().ID, Ground: "None."})
	s.refuses("lifting none", err, fault.NotFound)
	_, err = s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: postgrestest.NewID(), Person: "nobody", Ground: "x", Reference: "x"})
	s.refuses("a hold on nobody", err, fault.NotFound)
	_, err = s.PlaceHold(s.ctx, n, request.PlaceHold{Acting: postgrestest.NewID(), Person: "c1", Ground: " ", Reference: "x"})
	s.refuses("a hold without ground", err, fault.Invalid, "ground")

	standing, err := s.LegalHolds(s.ctx, n, request.HoldPage{})
	if err != nil || len(standing.Holds) != 1 || standing.Holds[0].Hold != other.Record || standing.Holds[0].Ground != "Tšellist c2" || standing.Holds[0].Reference != "3-26-c2" {
		t.Errorf("standing: %+v, %v; want that of c2", standing, err)
	}
	page, err := s.LegalHolds(s.ctx, n, request.HoldPage{Lifted: true, Limit: 1})
	if err != nil || len(page.Holds) != 1 || page.Holds[0].Hold != other.Record || page.Next == "" {
		t.Fatalf("the first page: %+v, %v", page, err)
	}
	page, err = s.LegalHolds(s.ctx, n, request.HoldPage{Lifted: true, Limit: 1, After: page.Next})
	if err != nil || len(page.Holds) != 1 || page.Holds[0].Lifted == nil || page.Holds[0].Lifted.Ground != "It is settled." || page.Holds[0].Lifted.By != n.ID {
		t.Errorf("the second page: %+v, %v; want the lifted one", page, err)
	}
	if none, err := s.LegalHolds(s.ctx, n, request.HoldPage{Person: "a1", Lifted: true}); err != nil || len(none.Holds) != 0 {
		t.Errorf("of an assessor: %+v, %v", none, err)
	}
	s.withdraw()
	s.erase("c1")
	gone, err := s.LegalHolds(s.ctx, n, request.HoldPage{Person: "c1", Lifted: true})
	if err != nil || len(gone.Holds) != 1 || gone.Holds[0].Ground+gone.Holds[0].Reference+gone.Holds[0].Lifted.Ground != "" {
		t.Errorf("after the erasure: %+v, %v; want it without words", gone, err)
	}
	var readings int
	if err := connect(t, s.DB.Superuser).Get(&readings, `SELECT count(*) FROM reading WHERE what = 'hold.list' AND purpose = $1`, reading.Audit); err != nil || readings != 4 {
		t.Errorf("%d readings of holds are recorded (%v), want 4", readings, err)
	}
}

func TestRetentionSaysUntilWhenAndWhy(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ask := func(p person.ID) request.Retention {
		t.Helper()
		r, err := s.Retention(s.ctx, postgrestest.Auditor, request.OfPerson{Person: p})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := ask("c1"); len(r.Terms) != 1 || r.Terms[0].Class != retention.Open || r.Terms[0].Until != nil || r.Erasable || !strings.Contains(r.Why, string(s.app)) {
		t.Errorf("with an open application: %+v", r)
	}
	if r := ask("c2"); len(r.Terms) != 0 || !r.Erasable || r.Why != "" {
		t.Errorf("of who never applied: %+v", r)
	}
	s.toRegister()
	r := ask("c1")
	if len(r.Terms) != 2 || r.Terms[0].Class != "portfolio_awarded" || r.Terms[1].Class != "holder" || r.Terms[0].Until == nil || r.Terms[0].Over || r.Terms[0].Rule == "" || r.Erasable {
		t.Errorf("of a holder: %+v", r)
	}
	if r := ask("a1"); len(r.Terms) != 1 || r.Terms[0].Class != "staff" || r.Terms[0].Over {
		t.Errorf("of an assessor: %+v", r)
	}
	if r := ask("k1"); len(r.Terms) != 1 || r.Terms[0].Class != "staff" {
		t.Errorf("of a member: %+v", r)
	}
	s.at(r.Terms[0].Until.Add(time.Hour))
	if r := ask("c1"); !r.Erasable || !r.Terms[0].Over || !r.Terms[1].Over {
		t.Errorf("once the terms are over: %+v", r)
	}
	s.Clock.Set(time.Now())
	s.erase("c1")
	if r := ask("c1"); r.Erased == nil || r.Erasable || len(r.Terms) != 2 {
		t.Errorf("of an erased person: %+v", r)
	}
	_, err := s.Retention(s.ctx, postgrestest.Auditor, request.OfPerson{Person: "nobody"})
	s.refuses("of nobody", err, fault.NotFound)
}

func TestWhoseTermsAreOver(t *testing.T) {
	t.Parallel()
	s := begin(t)
	due := func(limit int) (people []string) {
		t.Helper()
		for after := ""; ; {
			page, err := s.RetentionDue(s.ctx, postgrestest.Auditor, request.RetentionPage{After: after, Limit: limit})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.People {
				people = append(people, fmt.Sprintf("%s %s %v", p.Person, p.Class, p.Held))
			}
			if after = page.Next; after == "" {
				return people
			}
		}
	}
	s.assess("B.2.8", assessment.NotYetShown)
	s.withdraw()
	other := s.open(postgrestest.Other)
	s.must(s.WithdrawApplication(s.ctx, postgrestest.Other, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: other}))
	s.open(postgrestest.Judged) // open: never due
	if got := due(0); len(got) != 0 {
		t.Errorf("before any term is over: %v", got)
	}
	s.must(s.PlaceHold(s.ctx, postgrestest.Auditor, request.PlaceHold{Acting: postgrestest.NewID(), Person: "c2", Ground: "x", Reference: "x"}))
	s.at(time.Now().AddDate(0, 7, 0))
	want := []string{"c1 portfolio_withdrawn false", "c2 portfolio_withdrawn true"}
	for _, limit := range []int{0, 1} {
		if got := due(limit); !slices.Equal(got, want) {
			t.Errorf("after seven months, %d a page: %v, want %v", limit, got, want)
		}
	}
	s.at(time.Now().AddDate(11, 0, 0))
	if got, want := due(0), []string{"a1 staff false", "c1 portfolio_withdrawn false", "c2 portfolio_withdrawn true"}; !slices.Equal(got, want) {
		t.Errorf("after eleven years: %v, want %v", got, want)
	}
	s.at(time.Now().AddDate(0, 7, 0))
	s.must(s.ErasePerson(s.ctx, postgrestest.Auditor, erasing("c1", retention.ByTerm)))
	if got, want := due(0), want[1:]; !slices.Equal(got, want) {
		t.Errorf("after the erasure: %v, want %v", got, want)
	}
	_, err := s.RetentionDue(s.ctx, postgrestest.Auditor, request.RetentionPage{After: "No Body"})
	s.refuses("after nobody", err, fault.Invalid)
}
