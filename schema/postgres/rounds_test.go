package postgres_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

func TestAnActOnNoApplicationAtOnceIsOneToo(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	claim := request.ClaimTask{Acting: postgrestest.NewID()}
	add := request.AddPerson{Acting: postgrestest.NewID(), Person: "x1", Name: "Uus Inimene", Roles: []person.Role{person.Candidate}}
	var wg sync.WaitGroup
	claims, adds := make([]request.Receipt, 8), make([]request.Receipt, 8)
	for n := range claims {
		wg.Go(func() {
			var err error
			if claims[n], err = s.ClaimTask(s.ctx, postgrestest.Assessor, claim); err != nil {
				t.Errorf("claim %d: %v", n, err)
			}
			if adds[n], err = s.AddPerson(s.ctx, postgrestest.Operator, add); err != nil {
				t.Errorf("add %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	for n := range claims {
		if !reflect.DeepEqual(claims[0], claims[n]) || !reflect.DeepEqual(adds[0], adds[n]) {
			t.Errorf("copy %d got other receipts", n)
		}
	}
}

func TestWeighingTakesEveryClosedRound(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for _, code := range []string{"B.2.8", "B.2.9"} {
		s.support(code)
		s.handIn(code)
		s.judge(postgrestest.Assessor, s.claim(postgrestest.Assessor), assessment.Shown)
	}
	s.weigh() // told of one round, or of both
	out, err := s.Outstanding(s.ctx, s.app)
	if err != nil || out.Weigh {
		t.Errorf("after weighing once the record waits for %+v (%v), want nothing to weigh", out, err)
	}
}

func TestAReturnThatLeavesNothingToHandInIsProposedAgain(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ret := s.decision(s.assessAll(), award.Return)
	ret.Returned = []string{"B.2.15"} // recurring: judged in the others' rounds
	s.must(s.Decide(s.ctx, postgrestest.Member, ret))
	if _, err := s.ProposeAward(s.ctx, s.app); err != nil {
		t.Fatal(err)
	}
	if c := s.see(); c.State != application.Gathering {
		t.Fatalf("the case is %s, want it to gather: B.2.15 is to be shown again", c.State)
	}
	s.handIn("B.2.1") // met itself, so that B.2.15 is what it asks
	s.judge(postgrestest.Assessor, s.claim(postgrestest.Assessor), assessment.Shown)
	if got := s.weigh(); got != award.Award {
		t.Errorf("after B.2.15 was shown again the rules propose %q, want an award", got)
	}
}

func TestTimesOfAnApplicationRunWithItsPositions(t *testing.T) {
	t.Parallel()
	s := begin(t)
	var wg sync.WaitGroup
	for n := range 30 {
		wg.Go(func() {
			if _, err := s.SubmitEvidence(s.ctx, postgrestest.Candidate, s.text(fmt.Sprint("piece ", n), "B.2.1/1")); err != nil {
				t.Errorf("piece %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	page, err := s.Audit(s.ctx, postgrestest.Auditor, request.AuditPage{Application: s.app, Purpose: reading.Audit})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range page.Rows {
		if r.Position != i+1 {
			t.Fatalf("row %d of the trail has position %d, at %v", i, r.Position, r.At)
		}
	}
}

func TestWhoDecidedDoesNotAssessAfterwards(t *testing.T) {
	t.Parallel()
	s := begin(t)
	ret := s.decision(s.assessAll(), award.Return)
	ret.Returned = []string{"B.2.3"}
	s.must(s.Decide(s.ctx, postgrestest.Both, ret))
	s.handIn("B.2.3")
	if _, err := s.ClaimTask(s.ctx, postgrestest.BothA, request.ClaimTask{Acting: postgrestest.NewID()}); !errors.Is(err, fault.NotFound) {
		t.Errorf("the next task for who decided: %v, want none", err)
	}
	list, err := s.Tasks(s.ctx, postgrestest.Assessor, request.TaskPage{})
	if err != nil || len(list.Open) != 1 {
		t.Fatalf("open tasks %v, %v; want one", list.Open, err)
	}
	_, err = s.ClaimTask(s.ctx, postgrestest.BothA, request.ClaimTask{Acting: postgrestest.NewID(), Task: list.Open[0].Task})
	if !errors.Is(err, fault.Forbidden) {
		t.Errorf("by name: %v, want forbidden", err)
	}
}

func TestOneAssessorAnswersForARound(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	first := s.claim(postgrestest.Assessor)
	s.must(s.GiveVerdicts(s.ctx, postgrestest.Assessor, request.GiveVerdicts{
		Acting: postgrestest.NewID(), Task: first.Task,
		Verdicts: []request.Verdict{{Indicator: first.Asked[0], Outcome: assessment.Shown}},
	}))
	s.Clock.Set(first.LeaseUntil.Add(time.Minute))
	second := s.claim(postgrestest.Second)
	give := func(n int) {
		s.must(s.GiveVerdicts(s.ctx, postgrestest.Second, request.GiveVerdicts{
			Acting: postgrestest.NewID(), Task: second.Task,
			Verdicts: []request.Verdict{{Indicator: second.Asked[n], Outcome: assessment.Shown}},
		}))
	}
	give(1)
	if !s.smallest().UnderAssessment {
		t.Error("the round closed on the verdicts of two people")
	}
	give(0)
	if s.smallest().UnderAssessment {
		t.Error("the round is open though its holder judged everything")
	}
}

func TestEveryVerdictNamesWhatItSaw(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.assess("B.2.8", assessment.Shown) // B.2.15 was seen with no evidence of its own
	db := connect(t, s.DB.Reader)
	var blind int
	if err := db.Get(&blind, `SELECT count(*) FROM verdict WHERE cardinality(saw) = 0`); err != nil || blind != 0 {
		t.Errorf("%d verdicts name no evidence (%v), want none", blind, err)
	}
}
