package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

// good is settings that work: the defaults, and what has none.
func good(t *testing.T) Serve {
	t.Helper()
	s, err := Defaults()
	if err != nil {
		t.Fatal(err)
	}
	s.Database.Database, s.Blobs = "postgres://kutse_service@db/kutse", "/var/lib/kutse/blobs"
	s.KEK, s.LogKeys = "file:/var/lib/kutse/keys/kek.json", "/var/lib/kutse/keys/log"
	return s
}

// Not beside other tests: it sets the environment of all.
func TestDefaultsAreNotWhatTheEnvironmentSays(t *testing.T) {
	want := good(t)
	for _, name := range []string{"KUTSE_POOL", "KUTSE_MAX_TEXT", "KUTSE_ROLES", "KUTSE_NATS", "KUTSE_DATABASE_FILE"} {
		t.Setenv(name, "7")
	}
	if got := good(t); !reflect.DeepEqual(got, want) || got.Pool == 7 || got.NATS.NATS != "nats://127.0.0.1:4222" {
		t.Errorf("with an environment the defaults are %+v, without %+v", got, want)
	}
}

func TestCheckRefusesWhatCannotWorkAndNamesTheOption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Serve)
		says   string // "" for settings that work
	}{
		"what a process runs with": {func(*Serve) {}, ""},
		"a role that there is":     {func(s *Serve) { s.Roles = []Role{Relay} }, ""},
		"all roles by name":        {func(s *Serve) { s.Roles = Roles() }, ""},
		"a role that there is not": {func(s *Serve) { s.Roles = []Role{"gate"} }, `"gate" is no role`},
		"a door without a folder":  {func(s *Serve) { s.Blobs = "" }, "--blobs"},
		"a relay needs no folder":  {func(s *Serve) { s.Blobs, s.Roles = "", []Role{Relay, Teller, Worker} }, ""},
		"a door without a key":     {func(s *Serve) { s.KEK = "" }, "--kek"},
		"a sealer without keys":    {func(s *Serve) { s.LogKeys = "" }, "--log-keys"},
		"a sealer alone needs no folder and no key-encryption key": {
			func(s *Serve) { s.Blobs, s.KEK, s.Roles = "", "", []Role{Sealer} }, "",
		},
		"a relay needs no keys of the log":        {func(s *Serve) { s.LogKeys, s.Roles = "", []Role{Relay} }, ""},
		"a host that no origin can begin with":    {func(s *Serve) { s.LogHost = "Log of ours" }, "--log-host"},
		"sealing without rest":                    {func(s *Serve) { s.SealEvery = 0 }, "--seal-every"},
		"a witness whose signature nobody checks": {func(s *Serve) { s.Witness = []string{"https://w.example"} }, "--witness-key"},
		"a witness that has no address":           {func(s *Serve) { s.Witness, s.WitnessKey = []string{"w.example"}, []string{"k"} }, "--witness"},
		"a witness with its key":                  {func(s *Serve) { s.Witness, s.WitnessKey = []string{"https://w.example/x"}, []string{"k"} }, ""},
		"the largest text":                        {func(s *Serve) { s.MaxText = maxText }, ""},
		"a text that fits into no reply":          {func(s *Serve) { s.MaxText = maxText + 1 }, "--max-text"},
		"no text at all":                          {func(s *Serve) { s.MaxText = 0 }, "--max-text"},
		"no file at all":                          {func(s *Serve) { s.MaxFile = 0 }, "limit"},
		"no indicators at all":                    {func(s *Serve) { s.MaxIndicators = -1 }, "limit"},
		"no uploads at all":                       {func(s *Serve) { s.MaxUploads = 0 }, "limit"},
		"a pool that the relay uses up":           {func(s *Serve) { s.Pool = 3 }, "--pool"},
		"a sweep that never rests":                {func(s *Serve) { s.Sweep = -time.Second }, "--sweep"},
		"an end before the beginning":             {func(s *Serve) { s.StopAfter = -1 }, "--stop-after"},
		"no database":                             {func(s *Serve) { s.Database.Database = "" }, "--database"},
		"a database by address and by file":       {func(s *Serve) { s.DatabaseFile = "x" }, "not both"},
		"a database in a file that is not there":  {func(s *Serve) { s.Database = Database{DatabaseFile: "/nowhere/url"} }, "cannot be read"},
	} {
		s := good(t)
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
