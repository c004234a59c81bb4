// Package workflows decides what happens next. A workflow holds no SQL, no
// threshold and no number of days: it asks activities, and their answers are in
// history with the versions that gave them.
package workflows

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/fault"
)

// TaskQueue is where workers find the work of the record's workflows.
const TaskQueue = "kutse"

// Register makes a worker able to run everything there is.
func Register(w worker.Registry, record activities.Record) {
	w.RegisterWorkflow(Certification)
	w.RegisterActivity(&activities.Certification{Record: record})
}

// CertificationID is the workflow id of an application: one workflow per case.
func CertificationID(app application.ID) string { return "certification/" + string(app) }

// Told returns the events that the workflow of an application is told of.
func Told() []events.Event {
	return []events.Event{
		events.ApplicationOpened{},
		events.ApplicationWithdrawn{},
		events.CompetencesHandedIn{},
		events.RoundClosed{},
		events.AwardDecided{},
	}
}

// factOf is what the workflow needs to know of an event.
func factOf(id string, e events.Event) (Fact, application.ID, error) {
	fact := Fact{ID: id, Type: e.Type()}
	switch e := e.(type) {
	case events.ApplicationOpened, events.ApplicationWithdrawn:
	case events.CompetencesHandedIn:
		for _, r := range e.Rounds {
			fact.Rounds = append(fact.Rounds, r.Round)
		}
	case events.RoundClosed:
		fact.Rounds = []assessment.RoundID{e.Round.Round}
	case events.AwardDecided:
		fact.Outcome = e.Outcome
	default:
		return Fact{}, "", fault.Invalid.New("no workflow is told of %s", e.Type())
	}
	return fact, e.Key().Application, nil
}

// Tell tells the workflow of an application that something happened, starting it
// if need be. The same event twice is harmless: the workflow remembers the ids of
// the facts it took. A workflow that has ended is not started again: Tell says so
// as a Conflict. The case is over, or it failed and waits for Recover: one fact is
// not enough to go on from.
func Tell(ctx context.Context, temporal client.Client, id string, e events.Event) error {
	fact, app, err := factOf(id, e)
	if err != nil {
		return err
	}
	return tell(ctx, temporal, app, fact, enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
}

// Recover tells the workflow of an application to look up what the record waits
// for, starting it again if it was lost, failed, was terminated, or came to an end
// that the record does not know of, as after a restore. A case that the record says
// is over ends again at once. id makes the same recovery harmless twice.
func Recover(ctx context.Context, temporal client.Client, app application.ID, id string) error {
	fact := Fact{ID: id, Type: recovered}
	return tell(ctx, temporal, app, fact, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
}

func tell(ctx context.Context, temporal client.Client, app application.ID, fact Fact, again enumspb.WorkflowIdReusePolicy) error {
	_, err := temporal.SignalWithStartWorkflow(ctx, CertificationID(app), factSignal, fact, client.StartWorkflowOptions{
		TaskQueue:             TaskQueue,
		WorkflowIDReusePolicy: again,
	}, Certification, CertificationInput{Application: app})
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case err == nil:
		return nil
	case errors.As(err, &started):
		return fault.Conflict.Because(err, "the workflow of %s has ended", app)
	default:
		return fault.Unavailable.Because(fmt.Errorf("telling %s: %w", CertificationID(app), err), "Temporal does not answer: %v", err)
	}
}
