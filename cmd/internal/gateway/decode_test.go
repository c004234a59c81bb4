package gateway

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

func TestABodyIsOneObjectOfKnownWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		good bool
	}{
		"nothing":                 {"", true},
		"an empty object":         {"{}", true},
		"space around it":         {" \n{\"id\":\"x\"}\n ", true},
		"a known word":            {`{"standard":"it-manager-7"}`, true},
		"an unknown word":         {`{"standards":"it-manager-7"}`, false},
		"two objects":             {`{}{}`, false},
		"an object and a bracket": {`{}]`, false},
		"an object and a word":    {`{} x`, false},
		"a list":                  {`[{}]`, false},
		"a text":                  {`"{}"`, false},
		"half an object":          {`{"id":"`, false},
		"invalid UTF-8":           {"{\"id\":\"\xff\"}", false},
		"invalid UTF-8 after it":  {"{}\xff", false},
		"a number for a text":     {`{"id":7}`, false},
		"very deep":               {strings.Repeat("[", 100_000), false},
	} {
		_, err := decode[request.OpenApplication]([]byte(c.body))
		if (err == nil) != c.good || (err != nil && !errors.Is(err, fault.Invalid)) {
			t.Errorf("%s: %v, want good %v, else invalid", name, err, c.good)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"id":"x","indicators":["B.2.8/1"]}`, `{"file":"00"}`, `{"indicators":[""]}`, `null`, `{}{}`, "\xff", `{"text":"\ud800"}`,
		`{"application":"","kind":"text","text":"a","link":"b"}`, `[[[[`, `{"ID":"a","id":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := decode[request.SubmitEvidence](body)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || fault.Message(err) == "" {
				t.Errorf("%q: %v (%T), want invalid in words", body, err, err)
			}
			if f, _ := failure(err); len(f.Message) > maxMessage+8 || !utf8.ValidString(f.Message) {
				t.Errorf("%q: the refusal is %d bytes", body, len(f.Message))
			}
			return
		}
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", body, err)
		}
		again, err := decode[request.SubmitEvidence](text)
		if err != nil {
			t.Fatalf("%q was read, and what was read is refused: %v", body, err)
		}
		if twice, _ := json.Marshal(again); string(twice) != string(text) {
			t.Errorf("%q reads as %s, then as %s", body, text, twice)
		}
	})
}

func FuzzCaller(f *testing.F) {
	for _, seed := range []string{
		"req.v1.cand.c1.evidence.submit", "req.v1.cand..evidence.submit", "req.v1.cand.*.a.b", "req.v1.cand.>.a.b", "req.v1.asr.a b.c.d",
		"req.v1.cand.c1.evidence", "req.v2.cand.c1.a.b", "", ".....", "req.v1.xxx.c1.a.b", "req.v1.cand.c1\x00.a.b", "req.v1.cand.~kutse.a.b",
		"req.v1.cand.c1.a.b.c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		role, uid, err := request.Caller(subject)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v, want invalid", subject, err)
			}
			return
		}
		tokens := strings.Split(subject, ".")
		if _, bad := person.ParseID(string(uid)); bad != nil || uid == person.System || len(tokens) != 6 || tokens[3] != string(uid) {
			t.Errorf("%q is asked by %q", subject, uid)
		}
		if request.Subject(role, uid, tokens[4], tokens[5]) != subject {
			t.Errorf("%q: role %q, uid %q do not lead back", subject, role, uid)
		}
		if strings.ContainsAny(request.Inbox(uid), "*> ") {
			t.Errorf("%q: the inbox is %q", subject, request.Inbox(uid))
		}
	})
}
