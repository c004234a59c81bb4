package workflows_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/workflows"
)

// recordAgain makes new histories. Only a change that no running case can meet may
// replace an old one; any other adds a file beside it.
var recordAgain = flag.Bool("record", false, "record the histories in testdata/history on a real Temporal again")

func TestHistoriesOfEarlierCasesReplay(t *testing.T) {
	t.Parallel()
	if *recordAgain {
		t.Skip("they are being recorded")
	}
	for name := range histories {
		if _, err := os.Stat(historyFile(name)); err != nil {
			t.Errorf("%s was never recorded: go test -run TestRecord ./workflows -record", name)
		}
	}
	for _, file := range historyFiles(t) {
		r := worker.NewWorkflowReplayer()
		r.RegisterWorkflow(workflows.Certification)
		if err := r.ReplayWorkflowHistory(silent(), readHistory(t, file)); err != nil {
			t.Errorf("%s does not replay with the code of today: %v", file, err)
		}
	}
}

func TestAChangedWorkflowDoesNotReplay(t *testing.T) {
	t.Parallel()
	if *recordAgain {
		t.Skip("they are being recorded")
	}
	for _, file := range historyFiles(t) {
		r := worker.NewWorkflowReplayer()
		changed := func(ctx workflow.Context, in workflows.CertificationInput) (workflows.CertificationResult, error) {
			if err := workflow.Sleep(ctx, time.Second); err != nil {
				return workflows.CertificationResult{}, err
			}
			return workflows.Certification(ctx, in)
		}
		r.RegisterWorkflowWithOptions(changed, workflow.RegisterOptions{Name: "Certification"})
		if err := r.ReplayWorkflowHistory(silent(), readHistory(t, file)); err == nil {
			t.Errorf("%s replays with a workflow that sleeps first: replay proves nothing", file)
		}
	}
}

// What a history may say beside the structs of this package: what acts answered.
var answer = regexp.MustCompile(`^(""|"award"|"refuse"|"\d-\d{7}"|"\d{4}-\d\d-\d\dT[0-9:.]+Z")$`)

func TestHistoriesHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	if *recordAgain {
		t.Skip("they are being recorded")
	}
	for _, file := range historyFiles(t) {
		h := readHistory(t, file)
		for _, e := range h.GetEvents() {
			for _, p := range payloads(e) {
				if !known(p) {
					t.Errorf("%s, event %d: %s is nothing that the workflow should be told", file, e.GetEventId(), p)
				}
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"identity": *"([^"]*)"`).FindAllSubmatch(text, -1) {
			if string(m[1]) != "kutse" {
				t.Errorf("%s names %q, want kutse", file, m[1])
			}
		}
	}
}

// payloads are the values that our code put into an event.
func payloads(e *history.HistoryEvent) (all [][]byte) {
	add := func(ps *common.Payloads) {
		for _, p := range ps.GetPayloads() {
			all = append(all, p.GetData())
		}
	}
	add(e.GetWorkflowExecutionStartedEventAttributes().GetInput())
	add(e.GetWorkflowExecutionSignaledEventAttributes().GetInput())
	add(e.GetWorkflowExecutionCompletedEventAttributes().GetResult())
	add(e.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput())
	add(e.GetMarkerRecordedEventAttributes().GetDetails()["result"])
	return all
}

func known(payload []byte) bool {
	if answer.Match(payload) {
		return true
	}
	for _, into := range []any{
		&workflows.CertificationInput{}, &workflows.Fact{}, &workflows.CertificationResult{}, &application.Outstanding{}, &activities.Rounds{},
	} {
		d := json.NewDecoder(bytes.NewReader(payload))
		d.DisallowUnknownFields()
		if d.Decode(into) == nil {
			return true
		}
	}
	return false
}

func historyFile(name string) string { return filepath.Join("testdata", "history", name+".json") }

func historyFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(historyFile("*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s: %v", historyFile("*"), err)
	}
	return files
}

func readHistory(t *testing.T, file string) *history.History {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return h
}

func TestRecord(t *testing.T) {
	if !*recordAgain {
		t.Skip("only with -record")
	}
	e := startEngine(t)
	for name, tell := range histories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := e.newCase(t, application.ID("recorded-"+name), "B.2.1", "B.2.2", "B.2.3")
			tell(l)
			h := l.history("")
			scrub(h)
			text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			var neat bytes.Buffer
			if err := json.Indent(&neat, text, "", " "); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(historyFile(name), append(neat.Bytes(), '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d events: %s", len(h.GetEvents()), strings.Join(kinds(h), " "))
		})
	}
}

// scrub takes out of a history what names the machine: a worker's own queue is
// called after it.
func scrub(h *history.History) {
	for _, e := range h.GetEvents() {
		if a := e.GetWorkflowTaskScheduledEventAttributes(); a.GetTaskQueue().GetKind() == enums.TASK_QUEUE_KIND_STICKY {
			a.TaskQueue = &taskqueue.TaskQueue{
				Name: "sticky", Kind: enums.TASK_QUEUE_KIND_STICKY, NormalName: workflows.TaskQueue,
			}
		}
	}
}

func kinds(h *history.History) (all []string) {
	n := map[string]int{}
	for _, e := range h.GetEvents() {
		n[e.GetEventType().String()]++
	}
	for kind, count := range n {
		all = append(all, fmt.Sprintf("%s=%d", kind, count))
	}
	slices.Sort(all)
	return all
}

func TestEachHistoryShowsWhatItIsFor(t *testing.T) {
	t.Parallel()
	if *recordAgain {
		t.Skip("they are being recorded")
	}
	for name, want := range map[string][]string{
		"overdue":     {"TimerStarted", "TimerFired"},
		"timer-moved": {"TimerStarted", "TimerCanceled", "TimerFired"},
		"outage":      {"TimerStarted", "TimerFired", "MarkerRecorded"}, // the pause between two tries is a timer
	} {
		got := map[string]bool{}
		for _, e := range readHistory(t, historyFile(name)).GetEvents() {
			got[e.GetEventType().String()] = true
		}
		var lacks []string
		for _, kind := range want {
			if !got[kind] {
				lacks = append(lacks, kind)
			}
		}
		if !reflect.DeepEqual(lacks, []string(nil)) {
			t.Errorf("the history %s has no %v", name, lacks)
		}
	}
}
