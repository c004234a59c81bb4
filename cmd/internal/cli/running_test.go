package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestARunningSystemIsFoundAndAnythingElseIsNot(t *testing.T) {
	t.Parallel()
	live, dead := listener(t), listener(t)
	here, gone := "nats://"+live.Addr().String(), "nats://"+dead.Addr().String()
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a running one":              {fmt.Sprintf(`{"pid":%d,"nats":%q}`, os.Getpid(), here), here},
		"more than we know":          {fmt.Sprintf(`{"pid":%d,"nats":%q,"new":{"x":[]}}`, os.Getpid(), here), here},
		"one that does not say who":  {fmt.Sprintf(`{"nats":%q}`, here), here},
		"one whose number is reused": {fmt.Sprintf(`{"pid":%d,"nats":%q}`, os.Getpid(), gone), ""},
		"an address without a port":  {`{"nats":"nats://127.0.0.1"}`, ""},
		"no address at all":          {`{"nats":"%"}`, ""},
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

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
