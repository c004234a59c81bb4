package workflows_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/deploy/dev/temporalserver"
	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/workflows"
)

// engine is a real Temporal in memory with a real worker; one for all tests, made
// when the first one asks.
type engine struct {
	server *temporalserver.Server
	client client.Client
	worker worker.Worker
	cases  records
}

var theEngine = sync.OnceValues(func() (*engine, error) {
	server, err := temporalserver.Start(context.Background(), temporalserver.Options{})
	if err != nil {
		return nil, err
	}
	e := &engine{server: server}
	if e.client, err = dial(server); err != nil {
		return nil, err
	}
	e.worker = worker.New(e.client, workflows.TaskQueue, worker.Options{})
	workflows.Register(e.worker, &e.cases)
	running = e
	return e, e.worker.Start()
})

var running *engine

func TestMain(m *testing.M) {
	code := m.Run()
	if running != nil {
		running.worker.Stop()
		running.client.Close()
		_ = running.server.Stop(context.Background())
	}
	os.Exit(code)
}

func dial(s *temporalserver.Server) (client.Client, error) {
	return client.Dial(client.Options{
		HostPort: s.Address(), Namespace: s.Namespace(), Identity: "kutse", // histories name no machine
		Logger: silent(),
	})
}

// patience is for a busy machine: what is waited for takes milliseconds.
const patience = 2 * time.Minute

func startEngine(t *testing.T) *engine {
	t.Helper()
	e, err := theEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// live is a case on a real Temporal.
type live struct {
	*record
	t      *testing.T
	ctx    context.Context
	client client.Client
	facts  int
}

// newCase opens a case. The engine is one for the whole test binary, so a name that
// is taken, as when the tests run twice, gets a number.
func (e *engine) newCase(t *testing.T, app application.ID, required ...string) *live {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	for name, n := app, 2; ; name, n = application.ID(fmt.Sprintf("%s-%d", app, n)), n+1 {
		l := &live{record: newRecord(name, time.Now, required...), t: t, ctx: ctx, client: e.client}
		if _, taken := e.cases.LoadOrStore(name, l.record); !taken {
			return l
		}
	}
}

// tell tells facts one by one and waits after each until the workflow has dealt
// with it.
func (l *live) tell(es ...events.Event) {
	l.t.Helper()
	for _, e := range es {
		l.facts++
		if err := workflows.Tell(l.ctx, l.client, fmt.Sprintf("fact-%d", l.facts), e); err != nil {
			l.t.Fatalf("telling of %s: %v", e.Type(), err)
		}
		l.settle()
	}
}

// settle returns when the workflow has nothing more to do now: the server answers a
// query after the workflow task before it.
func (l *live) settle() {
	l.t.Helper()
	if _, err := l.client.QueryWorkflow(l.ctx, l.id(), "", "__stack_trace"); err != nil {
		l.t.Fatalf("asking %s: %v", l.id(), err)
	}
}

func (l *live) id() string { return workflows.CertificationID(l.app) }

// run is the id of the newest run of the case.
func (l *live) run() string {
	l.t.Helper()
	d, err := l.client.DescribeWorkflowExecution(l.ctx, l.id(), "")
	if err != nil {
		l.t.Fatal(err)
	}
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// ends waits for the end of the case and checks it.
func (l *live) ends(want workflows.CertificationResult) {
	l.t.Helper()
	var got workflows.CertificationResult
	if err := l.client.GetWorkflow(l.ctx, l.id(), "").Get(l.ctx, &got); err != nil || got != want {
		l.t.Errorf("%s ended %+v, %v; want %+v", l.app, got, err, want)
	}
}

// history reads what Temporal kept of one run; of the newest for "".
func (l *live) history(run string) *history.History {
	l.t.Helper()
	h := &history.History{}
	for it := l.client.GetWorkflowHistory(l.ctx, l.id(), run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		e, err := it.Next()
		if err != nil {
			l.t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	return h
}

// did is what the workflow did to the record, act by act.
func (l *live) did() (whats []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acts {
		whats = append(whats, a.what)
	}
	return whats
}

// called is what the workflow called, tries included.
func (l *live) called() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// fail makes calls fail from now on; with nil they work again.
func (l *live) fail(fails func(string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = fails
}

// records are the records of several applications behind one worker.
type records struct{ sync.Map }

var _ activities.Record = (*records)(nil)

func (rs *records) of(app application.ID) *record {
	r, ok := rs.Load(app)
	if !ok {
		panic("no case " + app)
	}
	return r.(*record)
}

func (rs *records) OpenAssessment(ctx context.Context, app application.ID, rounds []assessment.RoundID) (time.Time, error) {
	return rs.of(app).OpenAssessment(ctx, app, rounds)
}

func (rs *records) WeighRounds(ctx context.Context, app application.ID) (award.Outcome, error) {
	return rs.of(app).WeighRounds(ctx, app)
}

func (rs *records) ProposeAward(ctx context.Context, app application.ID) (time.Time, error) {
	return rs.of(app).ProposeAward(ctx, app)
}

func (rs *records) EnterRegister(ctx context.Context, app application.ID) (string, error) {
	return rs.of(app).EnterRegister(ctx, app)
}

func (rs *records) RemindOverdue(ctx context.Context, app application.ID) (time.Time, error) {
	return rs.of(app).RemindOverdue(ctx, app)
}

func (rs *records) Outstanding(ctx context.Context, app application.ID) (application.Outstanding, error) {
	return rs.of(app).Outstanding(ctx, app)
}
