package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// archived is a folder with a key, made by the command, and a case file that it signed.
func archived(t *testing.T) (dir, vkey string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "casefile.key")
	stdout, stderr, code := kutse(t.Context(), "casefile", "key", path, "--host", "kutse.example", "--json")
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(stdout), &made); code != 0 || err != nil {
		t.Fatalf("the key: %d, %s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	skey, _, _ := strings.Cut(string(text), "\n")
	key, err := casefile.ParseKey(skey)
	if err != nil || key.VKey != made.Key {
		t.Fatalf("the key is %s, %v; want %s as it was printed", key.VKey, err, made.Key)
	}
	var b bytes.Buffer
	if err := casefile.Write(&b, smallCase(t, key), key.Signer); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "case.zip"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, made.Key
}

func smallCase(t *testing.T, key casefile.Key) casefile.File {
	t.Helper()
	std, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		t.Fatal(err)
	}
	proc, err := procedure.Default()
	if err != nil {
		t.Fatal(err)
	}
	standard, err := canon.JSON(std)
	if err != nil {
		t.Fatal(err)
	}
	procedure, err := canon.JSON(proc)
	if err != nil {
		t.Fatal(err)
	}
	first := catalogue.IndicatorID{Competence: "B.2.1", Ordinal: 1}
	return casefile.File{
		Standard: standard, Procedure: procedure, Keys: []string{key.VKey},
		Case: casefile.Case{
			Format: casefile.Format, Origin: "kutse.example", ExportedAt: noon, OpenedAt: noon, Application: appID, State: application.Gathering,
			Candidate: casefile.Candidate{ID: "mari-7", Name: "Mari Maasikas"},
			Standard:  casefile.Version{Key: std.Key, Version: std.Version, Digest: canon.Sum(standard), Name: std.Name()},
			Procedure: casefile.Version{Key: proc.Key, Version: proc.Version, Digest: canon.Sum(procedure), Name: proc.Title},
			Rounds:    []casefile.Round{{ID: "r1", Competence: "B.2.1", Number: 1, Asked: []catalogue.IndicatorID{first}, At: noon, ClosedAt: &noon}},
			Verdicts: []casefile.Verdict{{
				ID: "v1", Round: "r1", Indicator: first, Outcome: assessment.NotYetShown, Reason: "the plan names no risks", Assessor: "a1", At: noon,
			}},
			Findings: []casefile.Finding{{Round: "r1", Competence: "B.2.1", Open: []catalogue.IndicatorID{first}, At: noon}},
		},
	}
}

func TestACaseFileIsCheckedAndShownWithoutAServer(t *testing.T) {
	t.Parallel()
	dir, vkey := archived(t)
	file := filepath.Join(dir, "case.zip")
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte(vkey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"without a key":       {[]string{"verify", file}, 0, []string{"kutse.example/casefile, whose key you did not name", "nothing was changed"}},
		"with its key":        {[]string{"verify", file, "--key", vkey}, 0, []string{"kutse.example/casefile, whom you trust"}},
		"with a file of keys": {[]string{"verify", file, "--key", keys}, 0, []string{"whom you trust"}},
		"as JSON":             {[]string{"verify", file, "--json"}, 0, []string{`"valid": true`, `"origin": "kutse.example"`}},
		"shown": {[]string{"show", file}, 0, []string{
			"Mari Maasikas", appID, "the plan names no risks", "it is signed by kutse.example/casefile", "B.2.14",
		}},
		"shown as JSON":      {[]string{"show", file, "--json"}, 0, []string{`"name": "Mari Maasikas"`, `"reason": "the plan names no risks"`}},
		"no file":            {[]string{"verify", file + "x"}, 4, []string{"there is no file"}},
		"another file":       {[]string{"verify", keys}, 2, []string{"not a case file"}},
		"a key that is none": {[]string{"verify", file, "--key", "a+b+c"}, 2, []string{"no verifier key"}},
	} {
		stdout, stderr, code := kutse(t.Context(), append([]string{"casefile"}, c.args...)...)
		for _, want := range c.says {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s: want %q in:\n%s%s", name, want, stdout, stderr)
			}
		}
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d", name, code, c.code)
		}
	}
	if _, stderr, code := kutse(t.Context(), "casefile", "key", filepath.Join(dir, "casefile.key"), "--host", "kutse.example"); code != 5 {
		t.Errorf("a key over the one that is there: %d, %s", code, stderr)
	}
}

func TestAChangedCaseFileFailsAndNamesTheFile(t *testing.T) {
	t.Parallel()
	dir, _ := archived(t)
	_, other := archived(t)
	file := filepath.Join(dir, "case.zip")
	if _, stderr, code := kutse(t.Context(), "casefile", "verify", file, "--key", other); code != 5 || !strings.Contains(stderr, "a key that you do not trust") {
		t.Errorf("another's key: %d, %s", code, stderr)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(b, []byte("names no risks"), []byte("names all risk"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"verify", "show"} {
		if stdout, stderr, code := kutse(t.Context(), "casefile", verb, file); code != 5 || !strings.Contains(stderr, "case.json") || strings.Contains(stdout, "Mari") {
			t.Errorf("%s: %d, %s%s; want a conflict that names case.json", verb, code, stdout, stderr)
		}
	}
}
