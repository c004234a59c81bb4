package cli

import (
	"io"
	"runtime/debug"
)

// VersionCmd is `kutse version`.
type VersionCmd struct{}

// Help implements kong.HelpProvider.
func (VersionCmd) Help() string { return "Example:\n  kutse version" }

// Version says what this program was built from.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
}

// Run prints the version.
func (*VersionCmd) Run(out *Output) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	v := readVersion(info)
	return out.Value(v, func(w io.Writer) error {
		rows := [][]string{{"version", v.Version}, {"go", v.Go}}
		if v.Revision != "" {
			rows = append(rows, []string{"revision", v.Revision}, []string{"time", v.Time})
		}
		if v.Modified {
			rows = append(rows, []string{"modified", "yes: built from a tree that was not committed"})
		}
		return columns(w, rows)
	})
}

func readVersion(info *debug.BuildInfo) Version {
	v := Version{Version: info.Main.Version, Go: info.GoVersion}
	if v.Version == "" {
		v.Version = "unknown"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
