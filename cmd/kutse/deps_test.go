package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The services run beside servers that others operate. A server linked into this
// program would be one more thing to keep safe, and most of its size.
func TestNoServerIsLinkedIn(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !strings.Contains(string(list), "github.com/kutse-dev/kutse/cmd/internal/cli\n") {
		t.Fatalf("the list lacks what is linked in for certain:\n%s", list)
	}
	for _, dep := range strings.Fields(string(list)) {
		for _, server := range []string{"github.com/nats-io/nats-server", "go.temporal.io/server", "github.com/kutse-dev/kutse/deploy"} {
			if strings.HasPrefix(dep, server) {
				t.Errorf("%s is linked in", dep)
			}
		}
	}
}
