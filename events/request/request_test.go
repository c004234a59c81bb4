package request_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var update = flag.Bool("update", false, "write testdata")

func TestASubjectSaysWhoAsks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for subject, want := range map[string]struct {
		role person.Role
		uid  person.ID
	}{
		"req.v1.cand.u1.application.open":        {person.Candidate, "u1"},
		"req.v1.asr.Mari_M-7.task.claim":         {person.Assessor, "Mari_M-7"},
		"req.v1.com.x.decision.make":             {person.Committee, "x"},
		"req.v1.cnl.x.get.audit":                 {person.Council, "x"},
		"req.v1.adm.x.person.add":                {person.Operator, "x"},
		"req.v1.cand.cand.competence.hand-in":    {person.Candidate, "cand"},
		"req.v1.cand." + long + ".evidence.list": {person.Candidate, person.ID(long)},
	} {
		role, uid, err := request.Caller(subject)
		if err != nil || role != want.role || uid != want.uid {
			t.Errorf("%s: got %q, %q, %v; want %+v", subject, role, uid, err, want)
		}
	}
}

func TestASubjectThatIsNoneSaysNothing(t *testing.T) {
	t.Parallel()
	for name, subject := range map[string]string{
		"nothing":                   "",
		"dots alone":                ".....",
		"too few tokens":            "req.v1.cand.u1.application",
		"too many tokens":           "req.v1.cand.u1.application.open.now",
		"a dot at the end":          "req.v1.cand.u1.application.open.",
		"a dot in front":            ".req.v1.cand.u1.application.open",
		"another prefix":            "evt.v1.cand.u1.application.open",
		"another version":           "req.v2.cand.u1.application.open",
		"upper case":                "REQ.v1.cand.u1.application.open",
		"a role that is none":       "req.v1.king.u1.application.open",
		"no role":                   "req.v1..u1.application.open",
		"a role in upper case":      "req.v1.CAND.u1.application.open",
		"any role":                  "req.v1.*.u1.application.open",
		"nobody":                    "req.v1.cand..application.open",
		"anybody":                   "req.v1.cand.*.application.open",
		"everything":                "req.v1.cand.>.application.open",
		"everything at the end":     "req.v1.cand.u1.application.>",
		"any resource":              "req.v1.cand.u1.*.open",
		"any verb":                  "req.v1.cand.u1.application.*",
		"no resource":               "req.v1.cand.u1..open",
		"no verb":                   "req.v1.cand.u1.application.",
		"the system itself":         "req.v1.cand.~kutse.application.open",
		"a space in the person":     "req.v1.cand.u 1.application.open",
		"a space in front":          " req.v1.cand.u1.application.open",
		"a space in the verb":       "req.v1.cand.u1.application.open ",
		"a line end in the person":  "req.v1.cand.u1\n.application.open",
		"a line end at the end":     "req.v1.cand.u1.application.open\n",
		"a letter beyond ASCII":     "req.v1.cand.õie.application.open",
		"a letter that looks alike": "req.v1.cand.u1.applicаtion.open",
		"no text":                   "req.v1.cand.\xff.application.open",
		"a zero byte":               "req.v1.cand.u1\x00.application.open",
		"a name too long":           "req.v1.cand." + strings.Repeat("a", 65) + ".application.open",
	} {
		role, uid, err := request.Caller(subject)
		if !errors.Is(err, fault.Invalid) || role != "" || uid != "" {
			t.Errorf("%s: %q is %q, %q, %v; want invalid and nobody", name, subject, role, uid, err)
		}
	}
}

// Whoever is made out can only be the one under whose subject the request came.
func FuzzCaller(f *testing.F) {
	f.Add("req.v1.cand.u1.application.open")
	f.Add("req.v1.cand.*.application.open")
	f.Add("req.v1.asr.u1.task.>")
	f.Add("req.v1..u1.task.list ")
	f.Fuzz(func(t *testing.T, subject string) {
		role, uid, err := request.Caller(subject)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || role != "" || uid != "" {
				t.Errorf("%q: %q, %q, %v", subject, role, uid, err)
			}
			return
		}
		tokens := strings.Split(subject, ".")
		if subject != request.Subject(role, uid, tokens[4], tokens[5]) || strings.ContainsAny(subject, "*> \t\r\n\x00") || strings.Contains(subject, "..") {
			t.Errorf("%q was taken for %s of %s", subject, uid, role)
		}
	})
}

func TestEveryEndpointHearsItsOwnSubjectAndNoOther(t *testing.T) {
	t.Parallel()
	type heard struct{ name, listen, subject string }
	var all []heard
	for _, e := range request.Endpoints() {
		for _, role := range e.Roles {
			subject := request.Subject(role, "u1", e.Resource, e.Verb)
			if got, uid, err := request.Caller(subject); err != nil || got != role || uid != "u1" {
				t.Errorf("%s is %s, %s, %v", subject, got, uid, err)
			}
			all = append(all, heard{e.Name() + " of " + string(role), e.Listen(role), subject})
		}
	}
	for i, a := range all {
		for j, b := range all {
			if matches(a.listen, b.subject) != (i == j) {
				t.Errorf("%s hears %q of %s: %v", a.name, b.subject, b.name, i != j)
			}
		}
	}
}

// matches is what NATS does with a filter without >.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	if len(f) != len(s) {
		return false
	}
	for i, token := range f {
		if token != "*" && token != s[i] {
			return false
		}
	}
	return true
}

func TestEndpointsAreNamedOnce(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[string]bool{}
	for _, e := range request.Endpoints() {
		if !word.MatchString(e.Resource) || !word.MatchString(e.Verb) || e.Summary == "" || len(e.Roles) == 0 {
			t.Errorf("%+v", e)
		}
		if seen[e.Name()] {
			t.Errorf("%s stands twice; handlers go by the name", e.Name())
		}
		seen[e.Name()] = true
		roles := map[person.Role]bool{}
		for _, r := range e.Roles {
			if _, err := person.ParseRole(string(r)); err != nil || roles[r] {
				t.Errorf("%s: role %q, %v", e.Name(), r, err)
			}
			roles[r] = true
		}
		for _, r := range person.Roles() {
			if e.Allows(r) != roles[r] {
				t.Errorf("%s: allows %s: %v", e.Name(), r, !roles[r])
			}
		}
		if e.Allows("") {
			t.Errorf("%s allows whoever has no role", e.Name())
		}
	}
}

// An act is what has an id and a receipt; a reading has neither.
func TestAnActHasAnIDAndAReceipt(t *testing.T) {
	t.Parallel()
	for _, e := range request.Endpoints() {
		_, receipt := e.Reply.(request.Receipt)
		if e.IsAct() != receipt {
			t.Errorf("%s: act %v, receipt %v", e.Name(), e.IsAct(), receipt)
		}
		if e.Request == nil {
			continue
		}
		words := map[string]any{}
		body, err := json.Marshal(e.Request)
		if err != nil || json.Unmarshal(body, &words) != nil {
			t.Errorf("%s: %s, %v", e.Name(), body, err)
		}
		_, id := words["id"]
		acting, embedded := reflect.TypeOf(e.Request).FieldByName("Acting")
		if id != e.IsAct() || embedded != e.IsAct() || embedded && acting.Type != reflect.TypeFor[request.Acting]() {
			t.Errorf("%s: act %v, id %v, embeds Acting %v", e.Name(), e.IsAct(), id, embedded)
		}
	}
}

func TestAnIDIsAUUIDInLowerCase(t *testing.T) {
	t.Parallel()
	const good = "3f0f6a3e-52a1-4a3c-9d0e-7b1c5e2d8f90"
	if err := request.CheckID("id", good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "1", strings.ToUpper(good), "{" + good + "}", good + "\n", " " + good, strings.ReplaceAll(good, "-", ""), good[1:]} {
		if err := request.CheckID("id", bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want invalid", bad, err)
		}
	}
}

// Receipts are kept and compared by people who never run this code.
func TestAReceiptIsGolden(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 30, 0, 123456000, time.UTC)
	bare := request.Receipt{
		Request: "3f0f6a3e-52a1-4a3c-9d0e-7b1c5e2d8f90", Record: "01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a12",
		Digest: canon.Sum([]byte("kutse")), At: at,
	}
	full := bare
	full.Records, full.Application, full.Position = []string{bare.Record, "01980a5e-7c3b-7d2e-9b1a-2f4c6d8e0a13"}, "01980a00-0000-7000-8000-000000000001", 7
	full.Salt = canon.Salt(canon.Sum([]byte("salt")))
	full.Claimed = &request.ClaimedTask{
		Task: "01980a6b-11d0-7c55-8a3e-5b7d9f1c3e24", Application: full.Application, Competence: "B.2.3",
		Asked:   []catalogue.IndicatorID{{Competence: "B.2.3", Ordinal: 1}},
		Offered: []catalogue.IndicatorID{{Competence: "B.2.9", Ordinal: 4}},
		Fence:   2, LeaseUntil: at.Add(time.Hour), DueAt: at.AddDate(0, 0, 14),
	}
	for name, receipt := range map[string]request.Receipt{"receipt-bare": bare, "receipt": full} {
		body, err := json.MarshalIndent(receipt, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		body = append(body, '\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v; -update writes it", err)
		}
		if diff := cmp.Diff(string(golden), string(body)); diff != "" {
			t.Errorf("%s changed (-golden +now):\n%s", name, diff)
		}
		var back request.Receipt
		if err := json.Unmarshal(golden, &back); err != nil || !cmp.Equal(receipt, back) {
			t.Errorf("%s: read back %+v, %v", name, back, err)
		}
	}
}
