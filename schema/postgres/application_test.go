package postgres_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func TestAnApplicationFromEvidenceToTheRegister(t *testing.T) {
	t.Parallel()
	s := begin(t)
	p := s.assessAll()
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)))
	number, err := s.EnterRegister(s.ctx, s.app)
	if err != nil || number != "1-000001" {
		t.Fatalf("register number %q, %v; want 1-000001", number, err)
	}
	again, err := s.EnterRegister(s.ctx, s.app)
	if err != nil || again != number {
		t.Errorf("entered twice: %q, %v; want the same number %q", again, err, number)
	}
	c := s.see()
	if c.State != application.Registered || c.Entry == nil || c.Entry.Number != number || len(c.Lacking) != 0 {
		t.Errorf("the case ends as %s, entry %+v, lacking %v", c.State, c.Entry, c.Lacking)
	}
	stats := s.stats()
	if stats.Submissions != 48 || stats.Verdicts != 48+14*7 || stats.Decisions != 1 || stats.Entries != 1 {
		t.Errorf("record holds %+v, want 48 submissions, 48 verdicts and 7 recurring ones in each of 14 contexts, 1 decision, 1 entry", stats)
	}
}

func TestFactsOfAnApplicationStandInOneGaplessSequence(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.assess("B.2.8", assessment.NotYetShown)
	facts, err := s.Pending(s.ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	want := 1
	for _, f := range facts {
		if f.OrderKey != string(s.app) {
			continue
		}
		env := openEnvelope(t, f.Body)
		if env.Sequence != fmt.Sprintf("%010d", want) {
			t.Fatalf("fact %s has place %s, want %010d", env.Type, env.Sequence, want)
		}
		want++
	}
	if c := s.see(); c.Position != want-1 {
		t.Errorf("the application stands at %d, its last fact at %d", c.Position, want-1)
	}
}

func TestTheSameRequestAgainIsTheSameReceipt(t *testing.T) {
	t.Parallel()
	s := begin(t)
	req := s.text("I led the strategy work.", "B.2.1/1")
	first := s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, req))
	before := s.stats()
	second := s.must(s.SubmitEvidence(s.ctx, postgrestest.Candidate, req))
	if !reflect.DeepEqual(first, second) {
		t.Errorf("first %+v, again %+v", first, second)
	}
	if after := s.stats(); !reflect.DeepEqual(before, after) {
		t.Errorf("the record changed from %+v to %+v", before, after)
	}
	req.Text = "I led it alone."
	if _, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, req); !errors.Is(err, fault.Conflict) {
		t.Errorf("other content under the same id: %v, want a conflict", err)
	}
	req.Text = "I led the strategy work."
	if _, err := s.HandIn(s.ctx, postgrestest.Candidate, request.HandIn{Acting: req.Acting, Application: s.app, Competences: []string{"B.2.1"}}); !errors.Is(err, fault.Conflict) {
		t.Errorf("another act under the same id: %v, want a conflict", err)
	}
}

func TestTheSameRequestAtOnceIsOneFact(t *testing.T) {
	t.Parallel()
	s := begin(t)
	const distinct, copies = 25, 4
	reqs := make([]request.SubmitEvidence, distinct)
	for i := range reqs {
		reqs[i] = s.text(fmt.Sprintf("piece %d", i), "B.2.1/1")
	}
	opening := request.OpenApplication{Acting: postgrestest.NewID(), Standard: "ict-project-manager"}
	receipts := make([][]request.Receipt, copies)
	var wg sync.WaitGroup
	for n := range copies {
		receipts[n] = make([]request.Receipt, distinct+1)
		wg.Go(func() {
			for i := range reqs {
				at := (i + n*7) % distinct // each copy in another order
				r, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, reqs[at])
				if err != nil {
					t.Errorf("copy %d of %d: %v", n, at, err)
				}
				receipts[n][at] = r
			}
			r, err := s.OpenApplication(s.ctx, postgrestest.Candidate, opening)
			if err != nil {
				t.Errorf("opening, copy %d: %v", n, err)
			}
			receipts[n][distinct] = r
		})
	}
	wg.Wait()
	for n := range copies {
		if !reflect.DeepEqual(receipts[0], receipts[n]) {
			t.Errorf("copy %d got other receipts", n)
		}
	}
	if stats := s.stats(); stats.Submissions != distinct {
		t.Errorf("%d submissions in the record, want %d", stats.Submissions, distinct)
	}
}

func TestWhatIsRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.submit("B.2.8/1")
	before := s.stats()
	file := canon.Sum([]byte("never uploaded"))
	for name, tt := range map[string]struct {
		change func(*request.SubmitEvidence)
		want   error
	}{
		"another person's application": {func(r *request.SubmitEvidence) { r.Application = s.openFor(t) }, fault.NotFound},
		"no application":               {func(r *request.SubmitEvidence) { r.Application = "018f0000-0000-7000-8000-000000000000" }, fault.NotFound},
		"an id that is none":           {func(r *request.SubmitEvidence) { r.Application = "1 OR 1=1" }, fault.Invalid},
		"a request id that is none":    {func(r *request.SubmitEvidence) { r.ID = "again" }, fault.Invalid},
		"an unknown indicator": {func(r *request.SubmitEvidence) {
			r.Indicators = []catalogue.IndicatorID{{Competence: "B.2.99", Ordinal: 1}}
		}, fault.Invalid},
		"a file never uploaded": {func(r *request.SubmitEvidence) { r.Kind, r.Text, r.File = evidence.File, "", &file }, fault.NotFound},
		"control characters":    {func(r *request.SubmitEvidence) { r.Text = "a\x00b" }, fault.Invalid},
	} {
		req := s.text("evidence", "B.2.8/1")
		tt.change(&req)
		if _, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, req); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if after := s.stats(); after.Submissions != before.Submissions {
		t.Errorf("refusals left %d submissions, want %d", after.Submissions, before.Submissions)
	}
}

// openFor opens an application of somebody else.
func (s *story) openFor(t *testing.T) application.ID {
	t.Helper()
	return s.open(postgrestest.Other)
}

func TestARoleOneDoesNotHoldAllowsNothing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	pretender := postgrestest.Candidate
	pretender.Role = postgrestest.Member.Role
	if _, err := s.Cases(s.ctx, pretender); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a candidate reads the committee's list: %v, want forbidden", err)
	}
	if _, err := s.Decide(s.ctx, pretender, s.decision("x", award.Award)); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a candidate decides: %v, want forbidden", err)
	}
	if _, err := s.LoadStandard(s.ctx, pretender, request.LoadStandard{Acting: postgrestest.NewID()}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a candidate loads a standard: %v, want forbidden", err)
	}
}

func TestOneOpenApplicationPerStandard(t *testing.T) {
	t.Parallel()
	s := begin(t)
	_, err := s.OpenApplication(s.ctx, postgrestest.Candidate, request.OpenApplication{Acting: postgrestest.NewID(), Standard: itManager})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("a second one: %v, want a conflict", err)
	}
	s.must(s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: s.app}))
	s.open(postgrestest.Candidate) // after withdrawing, again
}

func TestWithdrawingTakesTasksOutOfTheQueue(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	task := s.claim(postgrestest.Assessor)
	s.must(s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: s.app}))
	_, err := s.GiveVerdicts(s.ctx, postgrestest.Assessor, request.GiveVerdicts{
		Acting: postgrestest.NewID(), Task: task.Task,
		Verdicts: []request.Verdict{{Indicator: task.Asked[0], Outcome: assessment.Shown}},
	})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("a verdict after withdrawal: %v, want a conflict", err)
	}
	if _, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text("late", "B.2.8/1")); !errors.Is(err, fault.Conflict) {
		t.Errorf("evidence after withdrawal: %v, want a conflict", err)
	}
}

func TestHandingInFreezesTheEvidence(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	s.submit("B.2.8/1") // too late for this round
	task := s.claim(postgrestest.Assessor)
	seen, err := s.TaskEvidence(s.ctx, postgrestest.Assessor, request.TaskEvidencePage{Task: task.Task})
	if err != nil || len(seen.Items) != 2 {
		t.Errorf("the assessor sees %d pieces (%v), want the 2 that were there when it was handed in", len(seen.Items), err)
	}
	if _, err := s.TaskEvidence(s.ctx, postgrestest.Second, request.TaskEvidencePage{Task: task.Task}); !errors.Is(err, fault.NotFound) {
		t.Errorf("an assessor who does not hold the task reads it: %v, want not found", err)
	}
}

func TestWhatCannotBeHandedIn(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.submit("B.2.9/1") // one of two
	hand := func(codes ...string) error {
		_, err := s.HandIn(s.ctx, postgrestest.Candidate, request.HandIn{Acting: postgrestest.NewID(), Application: s.app, Competences: codes})
		return err
	}
	for name, tt := range map[string]struct {
		codes []string
		want  error
	}{
		"nothing":                         {nil, fault.Invalid},
		"a competence without evidence":   {[]string{"B.2.9"}, fault.Invalid},
		"a recurring competence":          {[]string{"B.2.15"}, fault.Invalid},
		"an unknown competence":           {[]string{"B.2.16"}, fault.Invalid},
		"the same twice":                  {[]string{"B.2.8", "B.2.8"}, fault.Invalid},
		"one that may, with one that not": {[]string{"B.2.8", "B.2.9"}, fault.Invalid},
	} {
		if err := hand(tt.codes...); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	s.handIn("B.2.8")
	if err := hand("B.2.8"); !errors.Is(err, fault.Conflict) {
		t.Errorf("one that is with an assessor: %v, want a conflict", err)
	}
}

func TestWhatIsNotShownComesBackWithReasonsAndRoundsEnd(t *testing.T) {
	t.Parallel()
	s := begin(t)
	proc := 3 // rounds of the default procedure
	for n := range proc {
		proposes := s.assess("B.2.8", assessment.NotYetShown)
		if want := n == proc-1; (proposes == award.Refuse) != want {
			t.Fatalf("after round %d the rules propose %q", n+1, proposes)
		}
		if n < proc-1 {
			if c := s.smallest(); c.Met || c.Indicators[0].Reason == "" || c.RoundsLeft != proc-n-1 {
				t.Errorf("after round %d: %+v, want it open with a reason and %d rounds left", n+1, c, proc-n-1)
			}
		}
	}
	p := s.propose()
	refusal := s.decision(p, award.Refuse)
	if _, err := s.Decide(s.ctx, postgrestest.Member, refusal); !errors.Is(err, fault.Invalid) {
		t.Errorf("a refusal without reasons: %v, want invalid", err)
	}
	for _, c := range s.see().Competences {
		for _, i := range c.Indicators {
			if !i.Shown && i.Assessable {
				refusal.Reasons = append(refusal.Reasons, request.Reason{Indicator: i.Indicator, Reason: "Not shown in three rounds."})
			}
		}
	}
	refusal.Acting = postgrestest.NewID()
	s.must(s.Decide(s.ctx, postgrestest.Member, refusal))
	if c := s.see(); c.State != application.Refused || len(c.Decisions[0].Reasons) == 0 {
		t.Errorf("the case is %s with %+v, want refused with reasons", c.State, c.Decisions)
	}
}

// smallest is where B.2.8 stands, the competence with the fewest indicators.
func (s *story) smallest() request.CaseCompetence {
	s.t.Helper()
	all := s.see().Competences
	return all[slices.IndexFunc(all, func(c request.CaseCompetence) bool { return c.Code == "B.2.8" })]
}

func TestAReturnOpensWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ret := s.decision(s.assessAll(), award.Return)
	ret.Returned = []string{"B.2.3"}
	s.must(s.Decide(s.ctx, postgrestest.Member, ret))
	if c := s.see(); c.State != application.Gathering || len(c.Lacking) != 1 {
		t.Fatalf("after the return the case is %s and lacks %v, want only B.2.3", c.State, c.Lacking)
	}
	if got := s.assess("B.2.3", assessment.Shown); got != award.Award {
		t.Fatalf("after the new round the rules propose %q, want an award", got)
	}
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(s.propose(), award.Award)))
}

func TestOverdueIsSaidOnce(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	due, err := s.RemindOverdue(s.ctx, s.app)
	if err != nil || due.IsZero() {
		t.Fatalf("next look at %v, %v; want the task's due time", due, err)
	}
	s.Clock.Set(due.Add(time.Hour))
	position := s.see().Position
	for n := range 2 {
		next, err := s.RemindOverdue(s.ctx, s.app)
		if err != nil || !next.IsZero() {
			t.Fatalf("look %d: next at %v, %v; want never", n, next, err)
		}
		if got := s.see().Position; got != position+1 {
			t.Errorf("look %d: %d facts more, want 1", n, got-position)
		}
	}
}
