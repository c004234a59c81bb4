package play

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Assessor judges tasks as they come.
type Assessor struct {
	Client *client.Client
	// Said is told what was judged; it may be nil.
	Said func(who person.ID, what string)
	// Judged is called after each task with how long claiming and judging took and
	// how many verdicts were given; it may be nil.
	Judged func(claim, judge time.Duration, verdicts int)
}

// How long an assessor with nothing to do waits before looking again.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = 100 * time.Millisecond
)

// Work claims and judges until ctx ends.
func (a *Assessor) Work(ctx context.Context) error {
	idle := firstLook
	for ctx.Err() == nil {
		worked, err := a.one(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("assessor %s: %w", a.Client.UID(), err)
		case worked:
			idle = firstLook
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(idle):
		}
		idle = min(2*idle, lastLook)
	}
	return nil
}

// Resume judges what the assessor holds already, as after a crash.
func (a *Assessor) Resume(ctx context.Context) error {
	var tasks request.Tasks
	if err := a.Client.Read(ctx, person.Assessor, "task", "list", request.TaskPage{}, &tasks); err != nil {
		return err
	}
	for _, held := range tasks.Held {
		task, err := a.Claim(ctx, held.Task)
		if err != nil {
			return err
		}
		if _, err := a.Judge(ctx, task); err != nil {
			return err
		}
	}
	return nil
}

// one judges one task, if there is any.
func (a *Assessor) one(ctx context.Context) (bool, error) {
	began := time.Now()
	task, err := a.Claim(ctx, "")
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	claimed := time.Now()
	n, err := a.Judge(ctx, task)
	if err != nil {
		return false, err
	}
	if a.Judged != nil {
		a.Judged(claimed.Sub(began), time.Since(claimed), n)
	}
	return true, nil
}

// Claim takes a task, or with no name the next one.
func (a *Assessor) Claim(ctx context.Context, task assessment.TaskID) (request.ClaimedTask, error) {
	r, err := a.Client.Act(ctx, person.Assessor, "task", "claim", request.ClaimTask{Acting: client.NewID(), Task: task})
	if err != nil {
		return request.ClaimedTask{}, err
	}
	return *r.Claimed, nil
}

// Judge reads the evidence of a task and finds everything that has some shown.
func (a *Assessor) Judge(ctx context.Context, task request.ClaimedTask) (verdicts int, err error) {
	var seen []request.EvidenceItem
	for next := 0; ; {
		var page request.TaskEvidence
		if err := a.Client.Read(ctx, person.Assessor, "task", "evidence", request.TaskEvidencePage{Task: task.Task, After: next}, &page); err != nil {
			return 0, fmt.Errorf("reading the evidence of %s: %w", task.Competence, err)
		}
		seen = append(seen, page.Items...)
		if next = page.Next; next == 0 {
			break
		}
	}
	give := request.GiveVerdicts{Acting: client.NewID(), Task: task.Task, Fence: task.Fence}
	for _, id := range task.Asked {
		give.Verdicts = append(give.Verdicts, verdict(id, seen))
	}
	for _, id := range pick(task) {
		give.Verdicts = append(give.Verdicts, verdict(id, seen))
	}
	if _, err := a.Client.Act(ctx, person.Assessor, "verdict", "give", give); err != nil {
		return 0, fmt.Errorf("judging %s: %w", task.Competence, err)
	}
	if a.Said != nil {
		a.Said(a.Client.UID(), fmt.Sprintf("judged %s: %d indicators, all on evidence frozen at hand-in", task.Competence, len(give.Verdicts)))
	}
	return len(give.Verdicts), nil
}

// pick chooses one recurring indicator to judge in this context, another one in
// each competence, so that over the contexts all are seen.
func pick(task request.ClaimedTask) []catalogue.IndicatorID {
	if len(task.Offered) == 0 {
		return nil
	}
	n := 0
	for _, digit := range task.Competence {
		if digit >= '0' && digit <= '9' {
			n = 10*n + int(digit-'0')
		}
	}
	at := n % len(task.Offered)
	return task.Offered[at : at+1]
}

func verdict(id catalogue.IndicatorID, seen []request.EvidenceItem) request.Verdict {
	has := slices.ContainsFunc(seen, func(i request.EvidenceItem) bool { return slices.Contains(i.Indicators, id) })
	if has {
		return request.Verdict{Indicator: id, Outcome: assessment.Shown}
	}
	return request.Verdict{Indicator: id, Outcome: assessment.NotYetShown, Reason: "There is no evidence for this indicator."}
}
