package cli_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/kutse-dev/kutse/cmd/internal/cli"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/postgres/check"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
)

func checkRecord(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = cli.Main(t.Context(), append([]string{"audit", "check"}, args...), &out, &talk)
	return code, out.String(), talk.String()
}

func TestARecordIsCheckedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	r := postgrestest.New(t)
	opened, err := r.OpenApplication(t.Context(), postgrestest.Candidate, request.OpenApplication{Acting: postgrestest.NewID(), Standard: "it-manager-7"})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--database", r.DB.Service, "--kek", r.KEK, "--sealed-within", "1000h"}
	code, stdout, stderr := checkRecord(t, args...)
	if code != 0 || !strings.Contains(stdout, "not checked: evidence.file") || !strings.Contains(stdout, "1 cases") {
		t.Errorf("a clean record: exit code %d, %s, %s; want 0, and what was not checked", code, stdout, stderr)
	}
	super, err := sqlx.Connect("postgres", r.DB.Superuser+"&search_path=kutse")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = super.Close() }()
	if _, err := super.Exec(`UPDATE application SET state = 'awarded'`); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = checkRecord(t, append(args, "--json", "--application", opened.Record)...)
	var f check.Fault
	first, rest, _ := strings.Cut(stdout, "\n")
	if err := json.Unmarshal([]byte(first), &f); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	if code != 5 || f.Rule != "state.follows" || f.Application != opened.Record || !strings.Contains(rest, `"report"`) || !strings.Contains(stderr, "faults in the record: 1") {
		t.Errorf("a case set ahead: exit code %d, %+v, %s, %s; want 5 and state.follows", code, f, rest, stderr)
	}
	for name, bad := range map[string][]string{
		"no database":    {},
		"no such id":     {"--database", r.DB.Service, "--application", "seven"},
		"no such folder": {"--database", r.DB.Service, "--blobs", "/nowhere/at/all"},
	} {
		if code, _, stderr := checkRecord(t, bad...); code != 2 {
			t.Errorf("%s: exit code %d, %s; want 2", name, code, stderr)
		}
	}
	if code, _, stderr := checkRecord(t, "--database", r.DB.Service, "--application", postgrestest.NewID().ID); code != 4 {
		t.Errorf("a case that is not there: exit code %d, %s; want 4", code, stderr)
	}
}
