package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/deploy/dev/natsserver"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

// door stands in for the door: it answers with fixed replies and keeps what was
// asked. The whole system is exercised by deploy/e2e.
type door struct {
	url     string
	mu      sync.Mutex
	answers map[string]func(*nats.Msg) any // by resource.verb
	asked   []string
}

func openDoor(t *testing.T) *door {
	t.Helper()
	server, err := natsserver.Start(t.Context(), natsserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	conn, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	d := &door{url: server.URL(), answers: replies()}
	if _, err := conn.Subscribe("req.v1.>", d.answer); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) answer(msg *nats.Msg) {
	tokens := strings.Split(msg.Subject, ".")
	d.mu.Lock()
	d.asked = append(d.asked, msg.Subject+" "+body(msg))
	answer := d.answers[strings.Join(tokens[4:], ".")]
	d.mu.Unlock()
	reply := nats.NewMsg(msg.Reply)
	var answered any = fault.NotFound.New("this door knows no %s", msg.Subject)
	if answer != nil {
		answered = answer(msg)
	}
	switch a := answered.(type) {
	case error:
		reply.Header.Set("Nats-Service-Error-Code", string(fault.Of(a)))
		reply.Data, _ = json.Marshal(request.Failure{Kind: fault.Of(a), Message: a.Error()})
	case []byte:
		reply.Data = a
	default:
		reply.Data, _ = json.Marshal(a)
	}
	_ = msg.RespondMsg(reply)
}

// body is what a request carries, for people.
func body(msg *nats.Msg) string {
	if id := msg.Header.Get("Upload-Id"); id != "" {
		return fmt.Sprintf("%d bytes of %s at %s", len(msg.Data), id, msg.Header.Get("Upload-Offset"))
	}
	if len(msg.Data) > 300 {
		return string(msg.Data[:300]) + "…"
	}
	return string(msg.Data)
}

// on answers resource.verb otherwise.
func (d *door) on(name string, answer func(*nats.Msg) any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[name] = answer
}

// taken is what was asked since the last time.
func (d *door) taken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

const (
	actID = "11111111-1111-4111-8111-111111111111"
	appID = "22222222-2222-4222-8222-222222222222"
)

var (
	plan   = bytes.Repeat([]byte("a plan, and more of it\n"), 60)
	digest = canon.Sum(plan)
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

// reply reads a reply from testdata, so that it stands there as the door sends it.
func reply(name string) func(*nats.Msg) any {
	return func(*nats.Msg) any {
		text, err := os.ReadFile(filepath.Join("testdata", "replies", name+".json"))
		if err != nil {
			return err
		}
		return text
	}
}

func receipt(*nats.Msg) any {
	return request.Receipt{Request: actID, Record: "33333333-3333-4333-8333-333333333333", Application: appID, Position: 4, At: noon, Digest: digest}
}

func replies() map[string]func(*nats.Msg) any {
	all := map[string]func(*nats.Msg) any{
		"blob.open":     func(*nats.Msg) any { return request.Upload{Upload: "up-1", ChunkBytes: 1000} },
		"blob.put":      func(*nats.Msg) any { return request.Upload{Upload: "up-1"} },
		"file.read":     readPlan,
		"standard.show": func(*nats.Msg) any { return catalogue.All()[0] },
		"get.audit":     auditTrail,
		"casefile.make": func(*nats.Msg) any { return request.Receipt{Request: actID, Record: digest.String(), At: noon} },
		"casefile.read": readPlan,
		"log.read":      noLog,
	}
	for _, e := range request.Endpoints() {
		name := e.Resource + "." + e.Verb
		switch {
		case all[name] != nil:
		case e.IsAct() && name != "task.claim":
			all[name] = receipt
		default:
			all[name] = reply(strings.NewReplacer(
				"application.show", "case", "case.show", "case", "get.application", "case",
				"evidence.list", "evidence", "case.evidence", "evidence",
				"application.list", "applications", "case.list", "cases").Replace(name))
		}
	}
	return all
}

// noLog answers log.read where nothing is sealed yet.
func noLog(msg *nats.Msg) any {
	var q request.ReadLog
	if err := json.Unmarshal(msg.Data, &q); err != nil {
		return err
	}
	if q.Path == "logs" {
		return []byte{}
	}
	return fault.NotFound.New("the log has no file %s", q.Path)
}

// readPlan answers file.read with up to 1000 bytes of the plan.
func readPlan(msg *nats.Msg) any {
	var q request.ReadFile
	if err := json.Unmarshal(msg.Data, &q); err != nil {
		return err
	}
	rest := plan[min(q.Offset, int64(len(plan))):]
	return slices.Clone(rest[:min(len(rest), 1000)])
}

// auditTrail answers get.audit with three rows, two a page.
func auditTrail(msg *nats.Msg) any {
	var q request.AuditPage
	if err := json.Unmarshal(msg.Data, &q); err != nil {
		return err
	}
	row := request.AuditRow{ID: appID, At: noon, Actor: "u1", Role: "cand", Act: "evidence.submit", Application: appID, Object: "o1", Position: 2, Payload: digest}
	if q.After == "" {
		return request.Audit{Rows: []request.AuditRow{row, row}, Next: "cursor-1"}
	}
	row.Act, row.Object = "decision.make", "o2"
	return request.Audit{Rows: []request.AuditRow{row}}
}

var someID = regexp.MustCompile(`"id":"[0-9a-f-]{36}"`)

// transcript runs a command against the door and writes down what happened.
func (d *door) transcript(t *testing.T, line ...string) string {
	t.Helper()
	stdout, stderr, code := kutse(t.Context(), append(line, "--nats", d.url)...)
	text := "$ kutse " + strings.Join(line, " ") + "\n"
	for _, asked := range d.taken() {
		if !strings.Contains(asked, actID) {
			asked = someID.ReplaceAllString(asked, `"id":"…"`)
		}
		text += "> " + asked + "\n"
	}
	if stderr != "" {
		text += "! " + strings.ReplaceAll(strings.TrimSuffix(stderr, "\n"), "\n", "\n! ") + "\n"
	}
	return text + stdout + fmt.Sprintf("exit %d\n\n", code)
}
