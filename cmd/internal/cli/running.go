package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
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
		PID  int    `json:"pid"`
		NATS string `json:"nats"`
	}
	if json.Unmarshal(text, &a) != nil || (a.PID > 0 && gone(a.PID)) {
		return ""
	}
	return a.NATS
}

// gone says that there is no such process: a killed system leaves its file.
func gone(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	err = process.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}
