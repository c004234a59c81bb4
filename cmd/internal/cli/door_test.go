package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// sessions is what each file of testdata/door shows.
func sessions(file string) map[string][]string {
	as, id := " --as u1", " --as u1 --id "+actID
	return map[string][]string{
		"candidate": {
			"candidate open it-manager-7 --procedure p1" + id, "candidate list" + as, "candidate list --json" + as,
			"candidate show " + appID + as,
			"candidate submit " + appID + " B.2.1/1 B.2.1/2 --text Hello" + id,
			"candidate submit " + appID + " B.2.1/1 --link https://example.org/plan" + id,
			"candidate submit " + appID + " B.2.1/1 --file " + file + id,
			"candidate submit " + appID + " B.2.1/1 --text-file " + file + id,
			"candidate upload " + file + as, "candidate evidence " + appID + as,
			"candidate hand-in " + appID + " B.2.1 B.2.2" + id, "candidate hand-in " + appID + " --all" + id,
			"candidate withdraw " + appID + id,
			"candidate readings" + as, "candidate prior bring " + file + id, "candidate prior list" + as,
			"candidate prior show pr1" + as, "candidate casefile " + appID + " -o " + file + ".zip" + id,
		},
		"assessor": {
			"assessor list" + as, "assessor claim" + id, "assessor claim t1" + id, "assessor release t1" + id, "assessor evidence t1" + as,
			"assessor judge t1 --shown B.2.1/1,B.2.1/2 --not-yet B.2.1/3=a,b=c --fence 2" + id,
			"assessor judge t1 --all-shown --not-yet B.2.1/2=why" + id, "assessor prior t1 pr1 --json" + as,
		},
		"committee": {
			"committee prior " + appID + " pr1 --json" + as, "committee list" + as, "committee show " + appID + " --json" + as, "committee evidence " + appID + as,
			"committee decide " + appID + " --award --reviewed --grounds G --legal-basis L" + id,
			"committee decide " + appID + " --refuse --reason B.2.1/1=why --grounds G --legal-basis L --proposal p9" + id,
			"committee decide " + appID + " --return B.2.1,B.2.2 --grounds G --legal-basis L --proposal p9" + id,
		},
		"council": {
			"council application " + appID + as, "council audit" + as, "council audit --json --limit 2 --application " + appID + as,
			"council audit --json --limit 1 --candidate c1 --actor a1 --standard k --act verdict.give --newest --purpose court" +
				" --from 2026-01-01 --to 2026-03-02T09:30:00Z" + as,
			"council audit --csv --application " + appID + as, "council audit --csv --json" + as,
			"council readings --csv" + as, "council readings --json" + as, "council sample show s1 --members" + as,
			"council finding list --application " + appID + as,
			"council entry 1-000001" + as, "council stats" + as, "council stats --json" + as,
			"council timeline " + appID + as, "council readings --person c1 --reader a1 --for assessment --application " + appID + as,
			"council sample commit Audit" + id, "council sample show s1" + as,
			"council sample draw s1 --size 20 --from 2026-01-01 --to 2027-01-01 --standard k" + id,
			"council finding file " + appID + " --kind observation --text Text --object o1" + id, "council finding list" + as,
			"council hold place c1 --ground Claim --reference R" + id, "council hold lift h1 --ground Over" + id, "council hold list --lifted" + as,
			"council retention c1" + as, "council due" + as, "council erase c1 --ground request --reference R" + id,
			"council casefile " + appID + " -o " + file + ".zip2 --purpose court" + id, "council prior pr1 --json" + as,
		},
		"audit": {
			"audit prove r1" + as, "audit prove r1 --json" + as, "audit search --actor a1 --limit 1 --json" + as,
			"audit keys" + as, "audit verify log", "audit export log" + as, "audit check",
		},
		"operator": {
			"operator add-person jaan --name Jaan --contact j@example.org --role assessor --role cand --scope it-manager-7:B.2.1,B.2.3 --scope esco" + id,
			"operator load-standard it-manager-7" + id, "operator load-procedure default" + id,
			"standard import --kind estqf ../../../schema/catalogue/testdata/004_326a1a22039152c5.txt --load" + id,
			"standard list --loaded" + as,
		},
	}
}

func TestWhatEachCommandAsksAndPrints(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "plan.txt")
	if err := os.WriteFile(file, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	all := ""
	for name, lines := range sessions(file) {
		text := ""
		for _, line := range lines {
			text += d.transcript(t, strings.Fields(line)...)
		}
		golden(t, strings.ReplaceAll(text, dir, "DIR"), "door", name+".txt")
		all += text
	}
	everythingIsAsked(t, all)
}

// everythingIsAsked says which endpoints no command asks.
func everythingIsAsked(t *testing.T, transcripts string) {
	t.Helper()
	// An upload that goes on asks blob.open again; the others have tests of their own.
	elsewhere := []string{"blob-status", "file-read", "standard-show", "log-keys", "log-read"}
	for _, e := range request.Endpoints() {
		asked := slices.ContainsFunc(e.Roles, func(r person.Role) bool {
			return strings.Contains(transcripts, "> "+request.Subject(r, "u1", e.Resource, e.Verb)+" ")
		})
		if !asked && !slices.Contains(elsewhere, e.Name()) {
			t.Errorf("no command asks %s", e.Name())
		}
	}
}

func TestAStandardInTheRecordIsShownLikeOneThatComesAlong(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	key := catalogue.All()[0].Key
	want, _, _ := kutse(t.Context(), "standard", "show", key)
	got, stderr, code := kutse(t.Context(), "standard", "show", key, "--loaded", "--as", "u1", "--nats", d.url)
	if code != 0 || got != want || got == "" {
		t.Errorf("exit %d, said %q, printed\n%s", code, stderr, got)
	}
	if asked := d.taken(); len(asked) != 1 || asked[0] != `req.v1.cand.u1.standard.show {"standard":"`+key+`"}` {
		t.Errorf("asked %v", asked)
	}
}

func TestAFileIsFetchedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	dir := t.TempDir()
	for i, who := range []string{"candidate", "assessor", "committee"} {
		to := filepath.Join(dir, who)
		args := []string{who, "file", "x1", digest.String(), "-o", to, "--as", "u1", "--nats", d.url}
		stdout, stderr, code := kutse(t.Context(), args...)
		if want := fmt.Sprintf("%s: %d bytes\n", to, len(plan)); code != 0 || stdout != want {
			t.Fatalf("%s: exits with %d, prints %q and says %q", who, code, stdout, stderr)
		}
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, plan) {
			t.Errorf("%s: %v, or not what was sent", who, err)
		}
		asked := d.taken()
		if role := []string{"cand", "asr", "com"}[i]; len(asked) != 3 || !strings.HasPrefix(asked[0], "req.v1."+role+".u1.file.read ") {
			t.Errorf("%s asked %v", who, asked)
		}
		if _, _, code := kutse(t.Context(), args...); code != 5 {
			t.Errorf("%s: the existing file was not left alone: exit %d", who, code)
		}
	}
	other := filepath.Join(dir, "other")
	_, stderr, code := kutse(t.Context(), "assessor", "file", "x1", canon.Sum(nil).String(), "-o", other, "--as", "u1", "--nats", d.url)
	if code != 1 || !strings.Contains(stderr, "not the one that was asked for") {
		t.Errorf("a changed file: exit %d, %q", code, stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Errorf("%v, %v: want the three files only", left, err)
	}
}

func TestARefusalOfTheDoorIsToldAndHasItsExitCode(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, kind := range fault.Kinds() {
		d.on("get.stats", func(*nats.Msg) any { return kind.New("because of %s", kind) })
		_, stderr, code := kutse(t.Context(), "council", "stats", "--as", "u1", "--nats", d.url)
		if want := fmt.Sprintf("kutse: because of %s\n", kind); stderr != want || code != exitCode(kind) {
			t.Errorf("%s: exit %d, said %q", kind, code, stderr)
		}
	}
}

func TestAnActThatMayHaveHappenedCanBeRepeated(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.on("application.withdraw", func(*nats.Msg) any { return fault.Unavailable.New("not now") })
	_, stderr, code := kutse(t.Context(), "candidate", "withdraw", appID, "--as", "u1", "--nats", d.url, "--timeout", "1s")
	tries := d.taken()
	if code != 75 || len(tries) < 2 || tries[0] != tries[1] {
		t.Errorf("exit %d after %v, want 75 after the same request several times", code, tries)
	}
	sent := someID.FindString(tries[0])
	if id := strings.Trim(strings.TrimPrefix(sent, `"id":`), `"`); id == "" || !strings.Contains(stderr, "--id "+id+" is safe") {
		t.Errorf("sent %s, said %q", sent, stderr)
	}
}

func TestWithoutNATSOrADoorTheSameCommandMaySucceedLater(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for name, args := range map[string][]string{
		"no NATS":         {"council", "stats", "--as", "u1", "--nats", "nats://127.0.0.1:1"},
		"no dead letters": {"dead-letters", "list", "--nats", "nats://127.0.0.1:1"},
	} {
		if _, stderr, code := kutse(t.Context(), args...); code != 75 {
			t.Errorf("%s: exit %d, said %q; want 75", name, code, stderr)
		}
	}
	if _, stderr, code := kutse(t.Context(), "dead-letters", "list", "--nats", d.url); code != 4 {
		t.Errorf("a NATS without streams: exit %d, said %q; want 4", code, stderr)
	}
}

func TestAStandardIsReadInTheRoleThatOneHas(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.on("standard.list", func(msg *nats.Msg) any {
		if !strings.HasPrefix(msg.Subject, "req.v1.cnl.") {
			return fault.Forbidden.New("you are not that")
		}
		return reply("standard.list")(msg)
	})
	if stdout, stderr, code := kutse(t.Context(), "standard", "list", "--loaded", "--as", "u1", "--nats", d.url); code != 0 || !strings.Contains(stdout, "it-manager-7") {
		t.Errorf("exit %d, printed %q, said %q", code, stdout, stderr)
	}
	d.on("standard.list", func(*nats.Msg) any { return fault.Forbidden.New("you are not that") })
	if _, stderr, code := kutse(t.Context(), "standard", "list", "--loaded", "--as", "u1", "--nats", d.url); code != 3 || !strings.Contains(stderr, "u1 holds no role") {
		t.Errorf("exit %d, said %q", code, stderr)
	}
}
