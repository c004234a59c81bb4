package workflows_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
)

// record is one application in memory: the workflow's side of schema/postgres, and
// the acts of people at the door, which return the fact that the workflow is told.
type record struct {
	app      application.ID
	required []string                 // competences to show
	days     map[string]time.Duration // until an assessment is due, where it is not assessDue
	now      func() time.Time
	fails    func(call string) error // what a call fails with; nil for nothing

	mu       sync.Mutex
	state    application.State
	rounds   []*round
	proposal *proposal
	number   string
	calls    []string // of the workflow, with their tries
	acts     []done   // what they changed
	changed  chan struct{}
}

type round struct {
	id                     assessment.RoundID
	competence             string
	due                    time.Time // zero until opened
	closed, shown          bool
	weighed, met, reminded bool
}

type proposal struct {
	outcome           award.Outcome
	due               time.Time
	decided, reminded bool
}

type done struct {
	at   time.Time
	what string
}

const (
	day       = 24 * time.Hour
	assessDue = 14 * day
	decideDue = 30 * day
	maxRounds = 2 // in which a competence can be shown
)

func newRecord(app application.ID, now func() time.Time, required ...string) *record {
	return &record{app: app, required: required, now: now, state: application.Gathering, changed: make(chan struct{})}
}

// call begins a call of the workflow; done says what it changed.
func (r *record) call(name string) (unlock func(), err error) {
	r.mu.Lock()
	r.calls = append(r.calls, name)
	if r.fails != nil {
		err = r.fails(name)
	}
	return r.mu.Unlock, err
}

func (r *record) done(format string, args ...any) {
	r.acts = append(r.acts, done{r.now(), fmt.Sprintf(format, args...)})
	close(r.changed)
	r.changed = make(chan struct{})
}

// await waits until the workflow has done what.
func (r *record) await(ctx context.Context, what string) error {
	for {
		r.mu.Lock()
		changed := r.changed
		for _, a := range r.acts {
			if a.what == what {
				r.mu.Unlock()
				return nil
			}
		}
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q: %w", what, context.Cause(ctx))
		}
	}
}

func (r *record) round(id assessment.RoundID) *round {
	for _, x := range r.rounds {
		if x.id == id {
			return x
		}
	}
	panic("no round " + id)
}

func (r *record) OpenAssessment(_ context.Context, _ application.ID, rounds []assessment.RoundID) (time.Time, error) {
	unlock, err := r.call("OpenAssessment")
	defer unlock()
	if err != nil {
		return time.Time{}, err
	}
	for _, id := range rounds {
		if x := r.round(id); x.due.IsZero() && r.state == application.Assessing {
			x.due = r.now().Add(assessDue)
			if d, ok := r.days[x.competence]; ok {
				x.due = r.now().Add(d)
			}
			r.done("opened %s", id)
		}
	}
	return r.nextDue(), nil
}

func (r *record) nextDue() (due time.Time) {
	consider := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	for _, x := range r.rounds {
		if !x.closed && !x.reminded && r.state == application.Assessing {
			consider(x.due)
		}
	}
	if p := r.proposal; p != nil && !p.decided && !p.reminded {
		consider(p.due)
	}
	return due
}

func (r *record) WeighRounds(context.Context, application.ID) (award.Outcome, error) {
	unlock, err := r.call("WeighRounds")
	defer unlock()
	if err != nil || (r.state != application.Assessing && r.state != application.Gathering) {
		return "", err
	}
	for _, x := range r.rounds {
		if x.closed && !x.weighed {
			x.weighed, x.met = true, x.shown
			if x.met {
				r.done("weighed %s: met", x.id)
			} else {
				r.done("weighed %s: not yet shown", x.id)
			}
		}
	}
	if !r.underAssessment() {
		r.state = application.Gathering
	}
	return r.proposes(), nil
}

func (r *record) underAssessment() bool {
	for _, x := range r.rounds {
		if !x.closed {
			return true
		}
	}
	return false
}

func (r *record) proposes() award.Outcome {
	if r.underAssessment() {
		return ""
	}
	outcome := award.Award
	for _, code := range r.required {
		met, rounds := false, 0
		for _, x := range r.rounds {
			if x.competence == code && x.weighed {
				met, rounds = x.met, rounds+1
			}
		}
		switch {
		case !met && rounds >= maxRounds:
			return award.Refuse
		case !met:
			outcome = ""
		}
	}
	return outcome
}

func (r *record) ProposeAward(context.Context, application.ID) (time.Time, error) {
	unlock, err := r.call("ProposeAward")
	defer unlock()
	if err != nil {
		return time.Time{}, err
	}
	if outcome := r.proposes(); outcome != "" && r.state == application.Gathering {
		r.proposal = &proposal{outcome: outcome, due: r.now().Add(decideDue)}
		r.state = application.Proposed
		r.done("proposed %s", outcome)
	}
	return r.nextDue(), nil
}

func (r *record) EnterRegister(context.Context, application.ID) (string, error) {
	unlock, err := r.call("EnterRegister")
	defer unlock()
	switch {
	case err != nil || r.number != "":
		return r.number, err
	case r.state != application.Awarded:
		return "", fault.Conflict.New("the application is %s: there is nothing to enter", r.state)
	}
	r.number, r.state = "1-0000001", application.Registered
	r.done("registered")
	return r.number, nil
}

func (r *record) RemindOverdue(context.Context, application.ID) (time.Time, error) {
	unlock, err := r.call("RemindOverdue")
	defer unlock()
	if err != nil {
		return time.Time{}, err
	}
	for _, x := range r.rounds {
		if !x.due.IsZero() && !x.closed && !x.reminded && !x.due.After(r.now()) {
			x.reminded = true
			r.done("reminded of %s", x.id)
		}
	}
	if p := r.proposal; p != nil && !p.decided && !p.reminded && !p.due.After(r.now()) {
		p.reminded = true
		r.done("reminded of the decision")
	}
	return r.nextDue(), nil
}

func (r *record) Outstanding(context.Context, application.ID) (application.Outstanding, error) {
	unlock, err := r.call("Outstanding")
	defer unlock()
	out := application.Outstanding{State: r.state, LookAt: r.nextDue(), Propose: r.state == application.Gathering}
	for _, x := range r.rounds {
		if x.due.IsZero() {
			out.Open = append(out.Open, string(x.id))
		}
		if x.closed && !x.weighed {
			out.Weigh = true
		}
	}
	return out, err
}

func (r *record) about() events.About { return events.About{Application: r.app, Candidate: "c1"} }

func (r *record) opened() events.Event { return events.ApplicationOpened{About: r.about()} }

// handIn opens the next round of each competence.
func (r *record) handIn(codes ...string) events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	fact := events.CompetencesHandedIn{About: r.about()}
	for _, code := range codes {
		n := 1
		for _, x := range r.rounds {
			if x.competence == code {
				n++
			}
		}
		x := &round{id: assessment.RoundID(fmt.Sprintf("%s round %d", code, n)), competence: code}
		r.rounds = append(r.rounds, x)
		fact.Rounds = append(fact.Rounds, events.Round{Round: x.id, Competence: code, Number: n})
	}
	r.state = application.Assessing
	return fact
}

// judge closes the last round of a competence with an assessor's verdicts.
func (r *record) judge(code string, shown bool) events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last *round
	for _, x := range r.rounds {
		if x.competence == code {
			last = x
		}
	}
	last.closed, last.shown = true, shown
	return events.RoundClosed{About: r.about(), Round: events.Round{Round: last.id, Competence: code}}
}

func (r *record) shown(code string) events.Event { return r.judge(code, true) }
func (r *record) notYet() events.Event           { return r.judge("B.2.1", false) }

// decide is the committee's act; a return sends competences back.
func (r *record) decide(o award.Outcome, returned ...string) events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proposal.decided = true
	r.state = map[award.Outcome]application.State{
		award.Award: application.Awarded, award.Refuse: application.Refused, award.Return: application.Gathering,
	}[o]
	for _, code := range returned {
		for _, x := range r.rounds {
			x.met = x.met && x.competence != code
		}
	}
	return events.AwardDecided{About: r.about(), Outcome: o, Returned: returned}
}

func (r *record) withdraw() events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = application.Withdrawn
	return events.ApplicationWithdrawn{About: r.about()}
}
