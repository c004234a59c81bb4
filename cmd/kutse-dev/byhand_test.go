package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/local"
	"github.com/kutse-dev/kutse/cmd/internal/play"
	"github.com/kutse-dev/kutse/deploy/dev"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// hand types commands against a running kutse, as a person would.
type hand struct {
	t    *testing.T
	nats string
}

// do types one command as somebody and returns its exit code and what it said.
func (h hand) do(as string, into any, args ...string) (code int, stderr string) {
	h.t.Helper()
	var out, talk bytes.Buffer
	code = run(append(args, "--json", "--as", as, "--nats", h.nats), &out, &talk)
	if code == 0 && into != nil {
		if err := json.Unmarshal(out.Bytes(), into); err != nil {
			h.t.Fatalf("%v printed %q: %v", args, out.String(), err)
		}
	}
	return code, talk.String()
}

func (h hand) must(as string, into any, args ...string) {
	h.t.Helper()
	if code, stderr := h.do(as, into, args...); code != 0 {
		h.t.Fatalf("%v as %s exits with %d and says %s", args, as, code, stderr)
	}
}

// await asks until the case stands at want.
func (h hand) await(app string, want application.State) request.Case {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		var c request.Case
		h.must("c1", &c, "candidate", "show", app)
		if c.State == want {
			return c
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the case is %s after a minute, want %s; lacking %v", c.State, want, c.Lacking)
		}
	}
}

// The whole story by hand: two rounds, because the first time one assessor is not
// convinced, a decision that is refused for want of grounds, and the award.
func TestTheWholeStoryCanBePlayedByHand(t *testing.T) {
	t.Parallel()
	s, err := local.Start(t.Context(), dev.Options{
		Data: filepath.Join(t.TempDir(), "data"), Ephemeral: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		var err error
		end(t.Context(), s, &err)
		if err != nil {
			t.Errorf("stopping: %v", err)
		}
	}()
	h := hand{t: t, nats: s.NATS}
	std, err := catalogue.ByKey("it-project-planner-manager")
	if err != nil {
		t.Fatal(err)
	}

	var opened request.Receipt
	h.must("c1", &opened, "candidate", "open", std.Key)
	app := opened.Record
	plan := filepath.Join(t.TempDir(), "plan.txt")
	if err := os.WriteFile(plan, []byte("A project plan with milestones, risks and a budget.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, code := range play.Slots(std) {
		h.must("c1", nil, "candidate", "submit", app, code+"/1", "--file", plan)
	}
	h.must("c1", nil, "candidate", "hand-in", app, "--all")
	judgeByHand(h, len(play.Slots(std)), true)

	// What came back is handed in again, with more evidence.
	now := h.await(app, application.Gathering)
	if len(now.Lacking) != 1 {
		t.Fatalf("lacking %v, want the one that was not yet shown", now.Lacking)
	}
	for _, c := range now.Competences {
		if !c.Met {
			if c.Indicators[0].Reason != "Name the risks." {
				t.Errorf("%s came back with the reason %q", c.Code, c.Indicators[0].Reason)
			}
			h.must("c1", nil, "candidate", "submit", app, c.Code+"/1", "--text", "The risks were supply, staff and time.")
			h.must("c1", nil, "candidate", "hand-in", app, c.Code)
		}
	}
	judgeByHand(h, 1, false)

	h.await(app, application.Proposed)
	if code, _ := h.do("k1", nil, "committee", "decide", app, "--award", "--reviewed", "--grounds", " ", "--legal-basis", "KutS § 18(2)"); code != 2 {
		t.Errorf("a decision without grounds exits with %d, want 2", code)
	}
	h.must("k1", nil, "committee", "decide", app, "--award", "--reviewed", "--grounds", "All thirteen are shown.", "--legal-basis", "KutS § 18(2)")
	done := h.await(app, application.Registered)
	var entry request.RegisterEntry
	h.must("n1", &entry, "council", "entry", done.Entry.Number)
	if entry.Candidate != "c1" || entry.Application != application.ID(app) {
		t.Errorf("the register says %+v", entry)
	}
}

// judgeByHand claims and judges tasks as they come to the queue; where doubting,
// the first is not yet shown.
func judgeByHand(h hand, tasks int, doubting bool) {
	h.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for tasks > 0 {
		var claimed request.Receipt
		code, stderr := h.do("a3", &claimed, "assessor", "claim")
		if code == exitNotFound && time.Now().Before(deadline) {
			continue
		}
		if code != 0 {
			h.t.Fatalf("claiming exits with %d and says %s", code, stderr)
		}
		args := []string{"assessor", "judge", claimed.Record, "--all-shown"}
		if doubting {
			args = append(args, "--not-yet", claimed.Claimed.Asked[0].String()+"=Name the risks.")
			doubting = false
		}
		h.must("a3", nil, args...)
		tasks--
	}
}

// exitNotFound is how a command ends when there is no such thing (fault.NotFound).
const exitNotFound = 4
