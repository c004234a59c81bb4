package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
)

// due is a door that knows of three people on two pages: one who can be erased, one
// under a hold, and one who is refused.
func due(t *testing.T) *door {
	t.Helper()
	d := openDoor(t)
	at := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	d.answers["retention.due"] = func(msg *nats.Msg) any {
		if strings.Contains(string(msg.Data), `"after":"p2"`) {
			return request.RetentionDue{People: []request.DuePerson{{Person: "p3", Since: at, Class: "holder"}}}
		}
		return request.RetentionDue{People: []request.DuePerson{
			{Person: "p1", Since: at, Class: "holder"}, {Person: "p2", Since: at, Class: "holder", Held: true},
		}, Next: "p2"}
	}
	d.answers["person.erase"] = func(msg *nats.Msg) any {
		if strings.Contains(string(msg.Data), `"p3"`) {
			return fault.Conflict.New("the legal hold h1 stands against it")
		}
		return request.Receipt{Record: "p1"}
	}
	return d
}

func TestWhoIsDueIsErasedOneByOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		erased []string
		lines  []string
	}{
		"a dry run only lists": {nil, nil, []string{"p1  due since 2026-03-02 09:30:00 UTC", "p2  under a legal hold", "p3  due since 2026-03-02 09:30:00 UTC"}},
		"with --yes":           {[]string{"--yes"}, []string{"p1", "p3"}, []string{"p1  erased", "p2  under a legal hold", "p3  refused: the legal hold h1 stands against it"}},
	} {
		d := due(t)
		var out, talk strings.Builder
		args := append([]string{"council", "erase", "--due", "--ground", "term", "--reference", "12/18", "--as", "n1", "--nats", d.url}, c.args...)
		if code := Main(t.Context(), args, &out, &talk); code != 0 {
			t.Errorf("%s: exit %d, %s", name, code, talk.String())
		}
		if got := strings.Split(strings.TrimSpace(out.String()), "\n"); !slices.Equal(got, c.lines) {
			t.Errorf("%s: printed %q, want %q", name, got, c.lines)
		}
		var asked []string
		d.mu.Lock()
		for _, line := range d.asked {
			if strings.Contains(line, ".person.erase ") {
				asked = append(asked, line)
			}
		}
		d.mu.Unlock()
		if len(asked) != len(c.erased) {
			t.Errorf("%s: asked %q, want erasures of %v", name, asked, c.erased)
		}
		for i, p := range c.erased[:min(len(asked), len(c.erased))] {
			if !strings.Contains(asked[i], `"`+p+`"`) || !strings.Contains(asked[i], `"term"`) || !strings.Contains(asked[i], `"12/18"`) {
				t.Errorf("%s: asked %q, want %s erased by term", name, asked[i], p)
			}
		}
	}
}

func TestErasingSaysWhom(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--ground", "request"},
		{"--ground", "request", "--yes", "mari"},
		{"--due", "--ground", "request"},
		{"--due", "--ground", "term", "mari"},
		{"--due", "--ground", "term", "--id", actID},
	} {
		var out, talk strings.Builder
		all := append([]string{"council", "erase", "--reference", "r", "--as", "n1", "--nats", "nats://127.0.0.1:1"}, args...)
		if code := Main(t.Context(), all, &out, &talk); code != 2 {
			t.Errorf("%v: exit %d, %s; want it invalid", args, code, talk.String())
		}
	}
}
