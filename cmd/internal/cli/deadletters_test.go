package cli

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/bus"
)

// leaveDeadLetter stores a dead letter as the bus does.
func leaveDeadLetter(t *testing.T, d *door) {
	t.Helper()
	conn, err := nats.Connect(d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Provision(t.Context(), js); err != nil {
		t.Fatal(err)
	}
	msg := nats.NewMsg("dlq.v1." + events.Stream + ".teller")
	msg.Header.Set("Kutse-Consumer", "teller")
	msg.Header.Set("Kutse-Subject", "fact.v1.x")
	msg.Header.Set("Kutse-Fault", "invalid")
	msg.Header.Set("Kutse-Reason", "it makes no sense")
	msg.Header.Set("Kutse-Deliveries", "3")
	msg.Data = []byte(`{"a":1}`)
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

func TestDeadLettersAreListedAndReplayed(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	leaveDeadLetter(t, d)
	stdout, stderr, code := kutse(t.Context(), "dead-letters", "list", "--nats", d.url)
	if code != 0 || !strings.Contains(stdout, "it makes no sense") || !strings.Contains(stdout, "teller") {
		t.Errorf("exit %d, printed %q, said %q", code, stdout, stderr)
	}
	stdout, _, _ = kutse(t.Context(), "dead-letters", "list", "--json", "--nats", d.url)
	if !strings.Contains(stdout, `"sequence": 1,`) || !strings.Contains(stdout, `"a": 1`) {
		t.Errorf("as JSON: %s", stdout)
	}
	for _, which := range []string{"1", "--all"} {
		stdout, stderr, code = kutse(t.Context(), "dead-letters", "replay", which, "--nats", d.url)
		if code != 4 || stdout != "Nothing was replayed.\n" || !strings.Contains(stderr, "no consumer teller has run here") {
			t.Errorf("replay %s without its consumer: exit %d, printed %q, said %q", which, code, stdout, stderr)
		}
	}
	if _, stderr, code := kutse(t.Context(), "dead-letters", "replay", "7", "--nats", d.url); code != 4 {
		t.Errorf("replay of none: exit %d, said %q; want 4", code, stderr)
	}
}
