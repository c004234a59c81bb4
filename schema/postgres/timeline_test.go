package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/reading"
)

// timeline reads all pages of a case.
func (s *story) timeline() []request.TimelineEntry {
	s.t.Helper()
	var all []request.TimelineEntry
	q := request.OfCase{Application: s.app, Purpose: reading.Audit}
	for {
		page, err := s.Timeline(s.ctx, postgrestest.Auditor, q)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if page.Next == "" {
			return all
		}
		q.After = page.Next
	}
}

func TestATimelineSaysWhatHappenedInItsOrder(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.support("B.2.8")
	s.handIn("B.2.8")
	task := s.claim(postgrestest.Assessor)
	s.must(s.ReleaseTask(s.ctx, postgrestest.Assessor, request.ReleaseTask{Acting: postgrestest.NewID(), Task: task.Task}))
	s.judge(postgrestest.Second, s.claim(postgrestest.Second), assessment.NotYetShown)
	s.weigh()
	s.must(s.WithdrawApplication(s.ctx, postgrestest.Candidate, request.WithdrawApplication{Acting: postgrestest.NewID(), Application: s.app}))
	keys := newRing(t)
	sealAll(t, s.Record, keys)
	all := s.timeline()
	var acts, words []string
	for i, e := range all {
		acts, words = append(acts, e.Act), append(words, e.What)
		if e.Sealed == nil || e.Audit == "" || len(e.Records) == 0 || (i > 0 && e.At.Before(all[i-1].At)) {
			t.Errorf("entry %d: %+v, want it sealed, with its records and in order", i, e)
		}
		if strings.Contains(e.What, "did this") || strings.Contains(e.What, "did yourself") {
			t.Errorf("%q holds what a person wrote", e.What)
		}
	}
	if want := []string{
		"application.open", "evidence.submit", "evidence.submit", "competence.hand-in", "assessment.open", "task.claim", "task.release",
		"task.claim", "verdict.give", "competence.weigh", "application.withdraw",
	}; !slices.Equal(acts, want) {
		t.Errorf("the acts are\n%v, want\n%v", acts, want)
	}
	for i, want := range []string{
		"application opened", "evidence put forward, a text for B.2.8/1", "B.2.8/2", "handed in: B.2.8, round 1", "tasks opened: B.2.8, due", "task claimed until",
		"task released", "task claimed", "B.2.8/1 not yet shown; B.2.8/2 not yet shown", "weighed: B.2.8 open at B.2.8/1, B.2.8/2", "application withdrawn",
	} {
		if !strings.Contains(words[i], want) {
			t.Errorf("entry %d says %q, want %q in it", i, words[i], want)
		}
	}
}

// Every fact of a whole case has words of its own.
func TestATimelineOfAWholeCaseComesInPages(t *testing.T) {
	t.Parallel()
	s := begin(t)
	p := s.assessAll()
	s.must(s.Decide(s.ctx, postgrestest.Member, s.decision(p, award.Award)))
	if _, err := s.EnterRegister(s.ctx, s.app); err != nil {
		t.Fatal(err)
	}
	all := s.timeline()
	db := connect(t, s.DB.Superuser)
	var want []string
	if err := db.Select(&want, `SELECT id FROM audit WHERE application = $1 ORDER BY at, id`, s.app); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, e.Audit)
		if e.What == e.Act {
			t.Errorf("%s has no words of its own", e.Act)
		}
	}
	if !slices.Equal(got, want) || len(want) <= 100 {
		t.Errorf("%d entries, want on several pages the %d audit rows in their order", len(got), len(want))
	}
}

func TestATimelineIsTheCouncilsAlone(t *testing.T) {
	t.Parallel()
	s := begin(t)
	for name, c := range map[string]struct {
		q    request.OfCase
		want error
	}{
		"no purpose":          {request.OfCase{Application: s.app}, fault.Invalid},
		"another's purpose":   {request.OfCase{Application: s.app, Purpose: reading.Assessment}, fault.Forbidden},
		"no such application": {request.OfCase{Application: "00000000-0000-0000-0000-000000000000", Purpose: reading.Audit}, fault.NotFound},
		"no cursor":           {request.OfCase{Application: s.app, Purpose: reading.Audit, After: "x"}, fault.Invalid},
	} {
		if _, err := s.Timeline(s.ctx, postgrestest.Auditor, c.q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
