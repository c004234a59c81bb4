package cli

import (
	"encoding/json"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// dataFolder is where kutse-dev keeps its data when nobody named another folder;
// the same as deploy/dev.DefaultData, which is not asked since it links the
// servers. Empty when there is none.
func dataFolder() string {
	if os.Geteuid() == 0 {
		return "/var/lib/kutse"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) { //nolint:forbidigo // where files are, no setting of ours
		return filepath.Join(dir, "kutse")
	}
	home, err := os.UserHomeDir()
	switch {
	case err != nil:
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "kutse")
	default:
		return filepath.Join(home, ".local", "share", "kutse")
	}
}

// runningNATS reads where the NATS of the system on a data folder is; empty when
// none runs there or the file cannot be read: it is a convenience.
func runningNATS(data string) string {
	text, err := os.ReadFile(filepath.Join(data, "addresses.json"))
	if data == "" || err != nil {
		return ""
	}
	var a struct {
		NATS string `json:"nats"`
	}
	if json.Unmarshal(text, &a) != nil || !answers(a.NATS) {
		return ""
	}
	return a.NATS
}

// answers says that somebody listens there: a killed system leaves its file. The
// process number in the file would prove nothing, since in a container the next
// process may well have the same. Every command without an address asks this of
// its own machine, and so does not wait long.
func answers(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return false
	}
	conn, err := net.DialTimeout("tcp", u.Host, 200*time.Millisecond)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
