package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
)

// Record is what the workflow of an application asks of the record. Each method
// is harmless when it is called again: its comment in schema/postgres names the
// line that makes it so.
type Record interface {
	OpenAssessment(ctx context.Context, app application.ID, rounds []assessment.RoundID) (due time.Time, err error)
	WeighRounds(ctx context.Context, app application.ID) (proposes award.Outcome, err error)
	ProposeAward(ctx context.Context, app application.ID) (due time.Time, err error)
	EnterRegister(ctx context.Context, app application.ID) (number string, err error)
	RemindOverdue(ctx context.Context, app application.ID) (due time.Time, err error)
	Outstanding(ctx context.Context, app application.ID) (application.Outstanding, error)
}

// Certification is what workflows.Certification asks for.
type Certification struct {
	Record Record
}

// Rounds names rounds of one application.
type Rounds struct {
	Application application.ID       `json:"application"`
	Rounds      []assessment.RoundID `json:"rounds"`
}

// OpenAssessment puts rounds before assessors and returns when the case should be
// looked at next (zero for never). It is an activity because the due time comes
// from the procedure, and the answer must be in history.
func (a *Certification) OpenAssessment(ctx context.Context, in Rounds) (time.Time, error) {
	due, err := a.Record.OpenAssessment(ctx, in.Application, in.Rounds)
	if err != nil {
		return time.Time{}, Report(fmt.Errorf("opening the assessment of %s: %w", in.Application, err))
	}
	return due, nil
}

// WeighRounds applies the standard to the verdicts of the closed rounds and returns
// what should be proposed now ("" while the case goes on). It is an activity so
// that history records what was found: a later version changes later findings,
// never a replay.
func (a *Certification) WeighRounds(ctx context.Context, app application.ID) (award.Outcome, error) {
	proposes, err := a.Record.WeighRounds(ctx, app)
	if err != nil {
		return "", Report(fmt.Errorf("weighing %s: %w", app, err))
	}
	return proposes, nil
}

// ProposeAward puts a proposal before the committee and returns when the decision
// is due.
func (a *Certification) ProposeAward(ctx context.Context, app application.ID) (time.Time, error) {
	due, err := a.Record.ProposeAward(ctx, app)
	if err != nil {
		return time.Time{}, Report(fmt.Errorf("proposing on %s: %w", app, err))
	}
	return due, nil
}

// EnterRegister enters an award and returns the register number.
func (a *Certification) EnterRegister(ctx context.Context, app application.ID) (string, error) {
	number, err := a.Record.EnterRegister(ctx, app)
	if err != nil {
		return "", Report(fmt.Errorf("entering %s in the register: %w", app, err))
	}
	return number, nil
}

// RemindOverdue records what is past its due time and returns when to look next
// (zero for never).
func (a *Certification) RemindOverdue(ctx context.Context, app application.ID) (time.Time, error) {
	due, err := a.Record.RemindOverdue(ctx, app)
	if err != nil {
		return time.Time{}, Report(fmt.Errorf("reminding of %s: %w", app, err))
	}
	return due, nil
}

// FindOutstanding says what the record waits for from the workflow, for a case
// whose workflow was lost and started again.
func (a *Certification) FindOutstanding(ctx context.Context, app application.ID) (application.Outstanding, error) {
	out, err := a.Record.Outstanding(ctx, app)
	if err != nil {
		return application.Outstanding{}, Report(fmt.Errorf("looking up %s: %w", app, err))
	}
	return out, nil
}
