package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
)

// CertificationInput says whose case it is, and, for a case that continues as
// new, what it remembers.
type CertificationInput struct {
	Application application.ID `json:"application"`
	Taken       []string       `json:"taken,omitempty"`  // ids of the facts taken so far
	LookAt      time.Time      `json:"look_at,omitzero"` // when something is due next
}

// CertificationResult says how a case ended.
type CertificationResult struct {
	State  application.State `json:"state"`
	Number string            `json:"number,omitempty"` // in the register, for an award
}

// Fact is what the workflow is told of something that happened. Delivery is at
// least once and in any order; ID tells a repetition.
type Fact struct {
	ID      string               `json:"id"`
	Type    string               `json:"type"`
	Rounds  []assessment.RoundID `json:"rounds,omitempty"`
	Outcome award.Outcome        `json:"outcome,omitempty"`
}

const (
	factSignal = "fact"
	recovered  = "recovered" // a Fact of no event: look up what the record waits for
)

// Certification follows one application from its opening to the register entry,
// a refusal or its withdrawal. The record at the door has every fact before the
// workflow hears of it; the workflow decides what follows: it puts what was handed
// in before assessors, weighs what they found, proposes when the rules say so, and
// enters what the committee awarded.
func Certification(ctx workflow.Context, in CertificationInput) (CertificationResult, error) {
	c := newCertification(ctx, in)
	for c.result.State == "" {
		if c.full(ctx) && !c.takeAll() {
			return CertificationResult{}, c.continueAsNew(ctx)
		}
		c.awaitNews(ctx)
		for _, step := range []func(workflow.Context) error{
			c.lookUp, c.remind, c.openAssessment, c.weigh, c.propose, c.concludeDecision,
		} {
			if c.result.State != "" {
				break // withdrawn: nothing of it matters any more
			}
			if err := step(ctx); err != nil {
				return CertificationResult{}, err
			}
		}
	}
	return c.result, nil
}

// certification is the state of one case: what it was told and has not acted on
// yet, and when it looks again by itself.
type certification struct {
	app   application.ID
	facts workflow.ReceiveChannel
	taken map[string]bool
	order []string // of taken, for continuing as new

	handedIn []assessment.RoundID // to put before assessors
	closed   bool                 // rounds closed: to weigh
	proposes bool                 // the rules ask for a proposal
	decided  award.Outcome        // to conclude: an award or a refusal
	lost     bool                 // to look up what the record waits for
	due      bool                 // something's time has come

	alarm  workflow.Future // the one timer of the case; nil for none
	at     time.Time       // when it rings
	cancel workflow.CancelFunc

	result CertificationResult
}

func newCertification(ctx workflow.Context, in CertificationInput) *certification {
	c := &certification{
		app: in.Application, facts: workflow.GetSignalChannel(ctx, factSignal), taken: map[string]bool{}, order: in.Taken,
	}
	for _, id := range in.Taken {
		c.taken[id] = true
	}
	c.lookAgain(ctx, in.LookAt)
	return c
}

// awaitNews waits until something happened or is due, and takes all that is there:
// several facts are one step.
func (c *certification) awaitNews(ctx workflow.Context) {
	if c.takeAll() {
		return
	}
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(c.facts, func(ch workflow.ReceiveChannel, _ bool) {
		var fact Fact
		ch.Receive(ctx, &fact)
		c.take(fact)
	})
	if c.alarm != nil {
		selector.AddFuture(c.alarm, func(workflow.Future) { c.due, c.alarm = true, nil })
	}
	selector.Select(ctx)
	c.takeAll()
}

// takeAll takes the facts that are there and says whether there is anything to act on.
func (c *certification) takeAll() bool {
	var fact Fact
	for c.facts.ReceiveAsync(&fact) {
		c.take(fact)
		fact = Fact{}
	}
	return len(c.handedIn) > 0 || c.closed || c.proposes || c.decided != "" || c.lost || c.due || c.result.State != ""
}

// take notes a fact, once.
func (c *certification) take(fact Fact) {
	if c.taken[fact.ID] {
		return
	}
	c.taken[fact.ID] = true
	c.order = append(c.order, fact.ID)
	switch fact.Type {
	case events.CompetencesHandedIn{}.Type():
		c.handedIn = append(c.handedIn, fact.Rounds...)
	case events.RoundClosed{}.Type():
		c.closed = true
	case events.AwardDecided{}.Type():
		// A return may arrive after the award that followed it, and must not hide that.
		// It may leave nothing to hand in again; the rules are asked what follows.
		if fact.Outcome == award.Return {
			c.proposes = true
		} else {
			c.decided = fact.Outcome
		}
	case events.ApplicationWithdrawn{}.Type():
		c.result.State = application.Withdrawn
	case recovered:
		c.lost = true
	}
}

// openAssessment puts what was handed in before the assessors who may judge it.
func (c *certification) openAssessment(ctx workflow.Context) error {
	if len(c.handedIn) == 0 {
		return nil
	}
	var due time.Time
	if err := c.do(ctx, act.OpenAssessment, activities.Rounds{Application: c.app, Rounds: c.handedIn}, &due); err != nil {
		return err
	}
	c.handedIn = nil
	c.lookAgain(ctx, due)
	return nil
}

// weigh says what the closed rounds amount to. What is not yet shown is back with
// the candidate then, with the reasons.
func (c *certification) weigh(ctx workflow.Context) error {
	if !c.closed {
		return nil
	}
	var proposes award.Outcome
	if err := c.do(ctx, act.WeighRounds, c.app, &proposes); err != nil {
		return err
	}
	c.closed = false
	c.proposes = c.proposes || proposes != ""
	return nil
}

// propose puts the case before the committee, if the record still finds that the
// rules ask for it.
func (c *certification) propose(ctx workflow.Context) error {
	if !c.proposes {
		return nil
	}
	var due time.Time
	if err := c.do(ctx, act.ProposeAward, c.app, &due); err != nil {
		return err
	}
	c.proposes = false
	c.lookAgain(ctx, due)
	return nil
}

// concludeDecision enters an award in the register, and ends on a refusal.
func (c *certification) concludeDecision(ctx workflow.Context) error {
	switch c.decided {
	case award.Award:
		if err := c.do(ctx, act.EnterRegister, c.app, &c.result.Number); err != nil {
			return err
		}
		c.result.State = application.Registered
	case award.Refuse:
		c.result.State = application.Refused
	case award.Return: // propose asks the rules what follows
	}
	c.decided = ""
	return nil
}

// remind says what is past its due time, and when to look again.
func (c *certification) remind(ctx workflow.Context) error {
	if !c.due {
		return nil
	}
	var next time.Time
	if err := c.do(ctx, act.RemindOverdue, c.app, &next); err != nil {
		return err
	}
	c.due = false
	if now := workflow.Now(ctx); !next.IsZero() && !next.After(now) {
		next = now.Add(pause)
	}
	c.lookAgain(ctx, next)
	return nil
}

// lookUp takes up a case whose workflow was lost: what it was told before is read
// from the record.
func (c *certification) lookUp(ctx workflow.Context) error {
	if !c.lost {
		return nil
	}
	var out application.Outstanding
	if err := c.do(ctx, act.FindOutstanding, c.app, &out); err != nil {
		return err
	}
	c.lost = false
	for _, id := range out.Open {
		c.handedIn = append(c.handedIn, assessment.RoundID(id))
	}
	c.closed = c.closed || out.Weigh
	c.proposes = out.Propose // the record proposes only if the rules say so
	switch {
	case out.State == application.Awarded, out.State == application.Registered:
		c.decided = award.Award // entering twice gives the same number
	case out.State.Ended():
		c.result.State = out.State
	}
	c.lookAgain(ctx, out.LookAt)
	return nil
}

// lookAgain sets the one timer of the case to the nearest due time. A later one
// leaves the timer alone: when it rings, the record says when to look next.
func (c *certification) lookAgain(ctx workflow.Context, due time.Time) {
	if due.IsZero() || (c.alarm != nil && !due.Before(c.at)) {
		return
	}
	if c.alarm != nil {
		c.cancel()
	}
	timer, cancel := workflow.WithCancel(ctx)
	c.alarm, c.at, c.cancel = workflow.NewTimer(timer, due.Sub(workflow.Now(ctx))), due, cancel
}

// full says that history asks for a new start.
func (c *certification) full(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// continueAsNew starts the case again with what it remembers. It is called only
// after takeAll found nothing: a fact that was delivered and not taken would be
// lost with this run.
func (c *certification) continueAsNew(ctx workflow.Context) error {
	next := CertificationInput{Application: c.app, Taken: c.order}
	if c.alarm != nil {
		next.LookAt = c.at
	}
	return workflow.NewContinueAsNewError(ctx, Certification, next)
}

// act names the activities; the worker has the real ones.
var act *activities.Certification

// pause is until the next look at what is due by Temporal's clock and not by the
// record's, which may be behind: without it the alarm would ring again at once,
// and again, until the record's clock is there too.
const pause = time.Minute

// One write to PostgreSQL takes milliseconds. It is a local activity, since that
// costs a third of an activity (reference/temporal.md 3), and it is tried until it
// succeeds: an outage of PostgreSQL holds the case, it does not end it. Without
// forever the SDK would give up after one StartToCloseTimeout, all tries together.
// A try a minute is six events; history has room for five days of them.
var oneWrite = workflow.LocalActivityOptions{
	StartToCloseTimeout:    10 * time.Second,
	ScheduleToCloseTimeout: forever,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: time.Minute,
	},
}

const forever = 100 * 365 * 24 * time.Hour

// do runs one act on the record.
func (c *certification) do(ctx workflow.Context, activity, in, out any) error {
	return workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, oneWrite), activity, in).Get(ctx, out)
}
