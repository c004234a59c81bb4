package events_test

import (
	"os"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/events"
)

func TestTheReadmeTellsEveryFact(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events.All() {
		subject := "evt.v1.cand.<uid>.<application>."
		for prefix, shown := range map[string]string{
			"evt.v1.asr.": "evt.v1.asr.<uid>.", "evt.v1.person.": "evt.v1.person.<uid>.", "evt.v1.log.": "evt.v1.log.<year>.",
		} {
			if strings.HasPrefix(events.Filter(e), prefix) {
				subject = shown
			}
		}
		subject += strings.TrimSuffix(e.Type(), ".v1")
		if row := "| `" + e.Type() + "` | `" + subject + "` |"; !strings.Contains(string(readme), row) {
			t.Errorf("the README has no row %q", row)
		}
	}
}
