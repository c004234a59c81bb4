package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

func TestNobodyJudgesTheirOwnEvidence(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.app = s.open(postgrestest.Judged)
	r := s.must(s.SubmitEvidence(s.ctx, postgrestest.Judged, s.text("mine", "B.2.8/1", "B.2.8/2")))
	if r.Position != 2 {
		t.Errorf("evidence at position %d, want 2: after the opening", r.Position)
	}
	r = s.must(s.HandIn(s.ctx, postgrestest.Judged, request.HandIn{Acting: postgrestest.NewID(), Application: s.app, Competences: []string{"B.2.8"}}))
	if _, err := s.OpenAssessment(s.ctx, s.app, []assessment.RoundID{assessment.RoundID(r.Record)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ClaimTask(s.ctx, postgrestest.JudgedA, request.ClaimTask{Acting: postgrestest.NewID()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("the next task for the candidate: %v, want none", err)
	}
	list, err := s.Tasks(s.ctx, postgrestest.Assessor, request.TaskPage{})
	if err != nil || len(list.Open) != 1 {
		t.Fatalf("open tasks %v, %v; want one", list.Open, err)
	}
	_, err = s.ClaimTask(s.ctx, postgrestest.JudgedA, request.ClaimTask{Acting: postgrestest.NewID(), Task: list.Open[0].Task})
	if !errors.Is(err, fault.Forbidden) {
		t.Errorf("the candidate claims it by name: %v, want forbidden", err)
	}
}

func TestWhoAssessedDoesNotDecide(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.1")
	s.handIn("B.2.1")
	s.judge(postgrestest.BothA, s.claim(postgrestest.BothA), assessment.Shown)
	s.weigh()
	for n := 2; n <= 14; n++ {
		s.assess(fmt.Sprintf("B.2.%d", n), assessment.Shown)
	}
	p := s.propose()
	if _, err := s.Decide(s.ctx, postgrestest.Both, s.decision(p, award.Award)); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a member who assessed decides: %v, want forbidden", err)
	}
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)))
	if _, err := s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)); !errors.Is(err, fault.Conflict) {
		t.Errorf("deciding again: %v, want a conflict", err)
	}
}

func TestATaskHasOneHolder(t *testing.T) {
	t.Parallel()
	s := begin(t)
	codes := []string{"B.2.7", "B.2.8", "B.2.9", "B.2.12", "B.2.13"}
	for _, code := range codes {
		s.support(code)
		s.handIn(code)
	}
	held := make(chan assessment.TaskID, 100)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				r, err := s.ClaimTask(s.ctx, postgrestest.Assessor, request.ClaimTask{Acting: postgrestest.NewID()})
				if errors.Is(err, fault.NotFound) {
					return
				}
				if err != nil {
					t.Errorf("claiming: %v", err)
					return
				}
				held <- r.Claimed.Task
			}
		})
	}
	wg.Wait()
	close(held)
	seen := map[assessment.TaskID]bool{}
	for id := range held {
		if seen[id] {
			t.Errorf("task %s was given twice", id)
		}
		seen[id] = true
	}
	if len(seen) != len(codes) {
		t.Errorf("%d tasks were given, want %d", len(seen), len(codes))
	}
}

func TestALateActByAFormerHolderIsRefused(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	first := s.claim(postgrestest.Assessor)
	verdict := request.GiveVerdicts{
		Acting: postgrestest.NewID(), Task: first.Task, Fence: first.Fence,
		Verdicts: []request.Verdict{{Indicator: first.Asked[0], Outcome: assessment.Shown}},
	}
	if _, err := s.ClaimTask(s.ctx, postgrestest.Second, request.ClaimTask{Acting: postgrestest.NewID(), Task: first.Task}); !errors.Is(err, fault.Conflict) {
		t.Errorf("claiming what is held: %v, want a conflict", err)
	}
	s.Clock.Set(first.LeaseUntil.Add(time.Minute))
	second := s.claim(postgrestest.Second)
	if second.Task != first.Task || second.Fence <= first.Fence {
		t.Errorf("after the lease ran out: %+v, want the same task with a higher fence than %d", second, first.Fence)
	}
	if _, err := s.GiveVerdicts(s.ctx, postgrestest.Assessor, verdict); !errors.Is(err, fault.Conflict) {
		t.Errorf("the former holder judges: %v, want a conflict", err)
	}
	s.must(s.ReleaseTask(s.ctx, postgrestest.Second, request.ReleaseTask{Acting: postgrestest.NewID(), Task: second.Task}))
	again := s.claim(postgrestest.Assessor)
	if _, err := s.GiveVerdicts(s.ctx, postgrestest.Assessor, verdict); !errors.Is(err, fault.Conflict) {
		t.Errorf("an old fence: %v, want a conflict", err)
	}
	s.judge(postgrestest.Assessor, again, assessment.Shown)
}

func TestTheTrailOfACaseSaysWhoHeldItsTasks(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	task := s.claim(postgrestest.Assessor)
	s.must(s.ReleaseTask(s.ctx, postgrestest.Assessor, request.ReleaseTask{Acting: postgrestest.NewID(), Task: task.Task}))
	page, err := s.Audit(s.ctx, postgrestest.Auditor, request.AuditPage{Application: s.app, Purpose: reading.Audit})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, r := range page.Rows {
		if r.Actor == string(postgrestest.Assessor.ID) {
			acts = append(acts, r.Act)
		}
	}
	if want := []string{"task.claim", "task.release"}; !slices.Equal(acts, want) {
		t.Errorf("the trail says of the assessor %v, want %v", acts, want)
	}
}

func TestARoundClosesWhenAllIsJudged(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	task := s.claim(postgrestest.Assessor)
	give := func(v ...request.Verdict) error {
		_, err := s.GiveVerdicts(s.ctx, postgrestest.Assessor, request.GiveVerdicts{Acting: postgrestest.NewID(), Task: task.Task, Verdicts: v})
		return err
	}
	one, two := task.Asked[0], task.Asked[1]
	for name, v := range map[string][]request.Verdict{
		"none":                      nil,
		"without a reason":          {{Indicator: one, Outcome: assessment.NotYetShown}},
		"an outcome nobody knows":   {{Indicator: one, Outcome: "excellent"}},
		"on what is not asked":      {{Indicator: first(s.std.Competences()[0].Assessable()), Outcome: assessment.Shown}},
		"the same indicator twice":  {{Indicator: one, Outcome: assessment.Shown}, {Indicator: one, Outcome: assessment.Shown}},
		"a good one with a bad one": {{Indicator: one, Outcome: assessment.Shown}, {Indicator: two}},
	} {
		if err := give(v...); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
	if err := give(request.Verdict{Indicator: one, Outcome: assessment.Shown}); err != nil {
		t.Fatal(err)
	}
	if c := s.smallest(); !c.UnderAssessment {
		t.Error("the round is closed though one indicator waits")
	}
	if err := give(request.Verdict{Indicator: two, Outcome: assessment.NotYetShown, Reason: "no plan"}); err != nil {
		t.Fatal(err)
	}
	if c := s.smallest(); c.UnderAssessment || c.Met {
		t.Errorf("after the last verdict: %+v, want it closed and not met", c)
	}
	if err := give(request.Verdict{Indicator: two, Outcome: assessment.Shown}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a verdict after the round closed: %v, want a conflict", err)
	}
}

func first[T any](all []T) T { return all[0] }
