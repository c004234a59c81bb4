package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestARunningSystemIsFoundAndAnythingElseIsNot(t *testing.T) {
	t.Parallel()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Skip(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a running one":              {fmt.Sprintf(`{"pid":%d,"nats":"nats://127.0.0.1:1"}`, os.Getpid()), "nats://127.0.0.1:1"},
		"more than we know":          {fmt.Sprintf(`{"pid":%d,"nats":"nats://127.0.0.1:1","new":{"x":[]}}`, os.Getpid()), "nats://127.0.0.1:1"},
		"one that does not say who":  {`{"nats":"nats://127.0.0.1:1"}`, "nats://127.0.0.1:1"},
		"one that was killed":        {fmt.Sprintf(`{"pid":%d,"nats":"nats://127.0.0.1:1"}`, dead.Process.Pid), ""},
		"no JSON":                    {`nats`, ""},
		"another form of the word":   {`{"nats":{"url":"x"}}`, ""},
		"a system that has no NATS":  {`{}`, ""},
		"a file that is empty":       {``, ""},
		"a folder that has no file":  {"-", ""},
		"no folder that could be it": {"--", ""},
	} {
		data := t.TempDir()
		switch c.text {
		case "-":
		case "--":
			data = ""
		default:
			if err := os.WriteFile(filepath.Join(data, "addresses.json"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := runningNATS(data); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
