package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

func good() Serve {
	return Serve{
		Database: Database{Database: "postgres://kutse_service@db/kutse"},
		Limits:   Limits{MaxText: 64 << 10, MaxFile: 100 << 20, MaxIndicators: 100, MaxUploads: 20},
		Blobs:    "/var/lib/kutse/blobs", Pool: 24, Sweep: time.Second, StopAfter: 20 * time.Second,
	}
}

func TestCheckRefusesWhatCannotWorkAndNamesTheOption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Serve)
		says   string // "" for settings that work
	}{
		"what a process runs with":               {func(*Serve) {}, ""},
		"a role that there is":                   {func(s *Serve) { s.Roles = []Role{Relay} }, ""},
		"all roles by name":                      {func(s *Serve) { s.Roles = Roles() }, ""},
		"a role that there is not":               {func(s *Serve) { s.Roles = []Role{"gate"} }, `"gate" is no role`},
		"a door without a folder":                {func(s *Serve) { s.Blobs = "" }, "--blobs"},
		"a relay needs no folder":                {func(s *Serve) { s.Blobs, s.Roles = "", []Role{Relay, Teller, Worker} }, ""},
		"the largest text":                       {func(s *Serve) { s.MaxText = maxText }, ""},
		"a text that fits into no reply":         {func(s *Serve) { s.MaxText = maxText + 1 }, "--max-text"},
		"no text at all":                         {func(s *Serve) { s.MaxText = 0 }, "--max-text"},
		"no file at all":                         {func(s *Serve) { s.MaxFile = 0 }, "limit"},
		"no indicators at all":                   {func(s *Serve) { s.MaxIndicators = -1 }, "limit"},
		"no uploads at all":                      {func(s *Serve) { s.MaxUploads = 0 }, "limit"},
		"a pool that the relay uses up":          {func(s *Serve) { s.Pool = 3 }, "--pool"},
		"a sweep that never rests":               {func(s *Serve) { s.Sweep = -time.Second }, "--sweep"},
		"an end before the beginning":            {func(s *Serve) { s.StopAfter = -1 }, "--stop-after"},
		"no database":                            {func(s *Serve) { s.Database.Database = "" }, "--database"},
		"a database by address and by file":      {func(s *Serve) { s.DatabaseFile = "x" }, "not both"},
		"a database in a file that is not there": {func(s *Serve) { s.Database = Database{DatabaseFile: "/nowhere/url"} }, "cannot be read"},
	} {
		s := good()
		c.change(&s)
		err := s.Check()
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v, want it taken", name, err)
		case c.says != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want invalid with %q", name, err, c.says)
		}
	}
}

func TestTheAddressComesFromAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "url")
	for text, want := range map[string]string{
		"postgres://u:secret@db/kutse":          "postgres://u:secret@db/kutse",
		"\n  postgres://u:secret@db/kutse \r\n": "postgres://u:secret@db/kutse",
		"":                                      "",
		" \n":                                   "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Database{DatabaseFile: file}.URL()
		if got != want || (want == "") != errors.Is(err, fault.Invalid) {
			t.Errorf("a file with %q: %q, %v; want %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password stands in the error: %v", err)
		}
	}
}

func TestWithoutRolesAProcessRunsAll(t *testing.T) {
	t.Parallel()
	for _, r := range Roles() {
		if !(Serve{}).Runs(r) {
			t.Errorf("a process without roles does not run %s", r)
		}
		if only := (Serve{Roles: []Role{r}}); !only.Runs(r) || only.Runs("gate") {
			t.Errorf("%+v runs %s %v, gate %v", only.Roles, r, only.Runs(r), only.Runs("gate"))
		}
		for _, other := range Roles() {
			if other != r && (Serve{Roles: []Role{r}}).Runs(other) {
				t.Errorf("a process with %s alone runs %s", r, other)
			}
		}
	}
}

// The largest text in its worst JSON form, with what stands around it, fits into
// one message of NATS.
func TestTheLargestTextFitsIntoOneMessage(t *testing.T) {
	t.Parallel()
	const payload, around = 1 << 20, 64 << 10
	if worst := 6*maxText + around; worst > payload {
		t.Errorf("a text of %d bytes may take %d, NATS carries %d", maxText, worst, payload)
	}
	if chunkBytes+around > payload {
		t.Errorf("a chunk of %d bytes and its headers do not fit into %d", chunkBytes, payload)
	}
}
