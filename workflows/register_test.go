package workflows_test

import (
	"context"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kutse-dev/kutse/workflows"
)

// newWorker makes a real worker that never connects: unlike the test environment
// it refuses a name that is taken.
func newWorker(t *testing.T) worker.Worker {
	t.Helper()
	c, err := client.NewLazyClient(client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return worker.New(c, workflows.TaskQueue, worker.Options{})
}

func TestEverythingRegistersOnARealWorker(t *testing.T) {
	t.Parallel()
	workflows.Register(newWorker(t), newRecord("none", nil))
}

// weigher collides with activities.Certification.
type weigher struct{}

func (weigher) WeighRounds(context.Context) error { return nil }

func TestANameThatIsTakenPanicsAtStart(t *testing.T) {
	t.Parallel()
	for what, register := range map[string]func(worker.Worker){
		"an activity": func(w worker.Worker) { w.RegisterActivity(weigher{}) },
		"a workflow": func(w worker.Worker) {
			w.RegisterWorkflowWithOptions(func(workflow.Context) error { return nil }, workflow.RegisterOptions{Name: "Certification"})
		},
	} {
		w := newWorker(t)
		workflows.Register(w, newRecord("none", nil))
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s with a name that is taken was accepted", what)
				}
			}()
			register(w)
		}()
	}
}
