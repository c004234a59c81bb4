package asyncapi_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/events/request/asyncapi"
	"github.com/kutse-dev/kutse/schema/person"
)

var update = flag.Bool("update", false, "write events/asyncapi.yaml")

const root = "../../.."

// made is the document as the code says it now. It is made once: every test
// reads it and none changes it.
var made = sync.OnceValues(func() ([]byte, error) { return asyncapi.Document(root) })

// parsed also refuses a key that stands twice.
var parsed = sync.OnceValues(func() (doc map[string]any, err error) {
	body, err := made()
	if err != nil {
		return nil, err
	}
	return doc, yaml.Unmarshal(body, &doc)
})

func document(t testing.TB) map[string]any {
	t.Helper()
	doc, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheDocumentIsWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	body, err := made()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, asyncapi.File)
	if *update {
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; `go generate ./events/request/asyncapi` writes it", err)
	}
	if diff := cmp.Diff(strings.Split(string(kept), "\n"), strings.Split(string(body), "\n")); diff != "" {
		t.Errorf("%s is not what the code says; run `go generate ./events/request/asyncapi` and look at what changed (-file +code):\n%s", asyncapi.File, diff)
	}
}

func TestMakingItTwiceGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first, err := made()
	if err != nil {
		t.Fatal(err)
	}
	second, err := asyncapi.Document(root)
	if err != nil || string(first) != string(second) {
		t.Errorf("the second differs, %v", err)
	}
}

func TestWithoutTheSourceThereIsNoDocument(t *testing.T) {
	t.Parallel()
	if _, err := asyncapi.Document(t.TempDir()); err == nil {
		t.Error("a document without comments was made")
	}
}

// Whoever reads the document may ask all of this, and nothing else.
func TestEveryEndpointIsInItForEveryRole(t *testing.T) {
	t.Parallel()
	doc := document(t)
	operations := at(t, doc, "#/operations").(map[string]any)
	count := 0
	for _, e := range request.Endpoints() {
		for _, role := range e.Roles {
			count++
			op, ok := operations[string(role)+"-"+e.Name()].(map[string]any)
			if !ok {
				t.Errorf("%s of %s is missing", e.Name(), role)
				continue
			}
			channel := follow(t, doc, op["channel"])
			if got, want := channel["address"], request.Subject(role, "{uid}", e.Resource, e.Verb); got != want {
				t.Errorf("%s: address %v, want %s", e.Name(), got, want)
			}
			if op["action"] != "receive" || op["summary"] != e.Summary || (op["x-act"] == true) != e.IsAct() {
				t.Errorf("%s: %v", e.Name(), op)
			}
			if got := fmt.Sprint(op["x-roles"]); got != fmt.Sprint(e.Roles) {
				t.Errorf("%s: x-roles %s, want %v", e.Name(), got, e.Roles)
			}
			payloads(t, doc, e, op)
		}
	}
	if want := count + len(events.All()); len(operations) != want {
		t.Errorf("%d operations, want %d", len(operations), want)
	}
}

// payloads says whether an operation carries the endpoint's own types, and a
// failure.
func payloads(t *testing.T, doc map[string]any, e request.Endpoint, op map[string]any) {
	t.Helper()
	reply := op["reply"].(map[string]any)
	want := [][2]any{
		{op["messages"].([]any)[0], e.Request},
		{reply["messages"].([]any)[0], e.Reply},
		{reply["messages"].([]any)[1], request.Failure{}},
	}
	for _, w := range want {
		message := follow(t, doc, follow(t, doc, w[0])) // in the channel, then in components
		payload := message["payload"].(map[string]any)
		if w[1] == nil {
			if payload["format"] != "binary" || message["contentType"] != "application/octet-stream" {
				t.Errorf("%s: %v, want bytes", e.Name(), message)
			}
		} else if got, want := payload["$ref"], fmt.Sprintf("#/components/schemas/%T", w[1]); got != want {
			t.Errorf("%s carries %v, want %s", e.Name(), got, want)
		}
	}
}

func TestEveryFactIsInItWhereItIsPublished(t *testing.T) {
	t.Parallel()
	doc := document(t)
	for _, e := range events.All() {
		channel, ok := doc["channels"].(map[string]any)[e.Type()].(map[string]any)
		if !ok {
			t.Errorf("%s is missing", e.Type())
			continue
		}
		if got := placeholder.ReplaceAllString(channel["address"].(string), "*"); got != events.Filter(e) {
			t.Errorf("%s: address %s, want %s", e.Type(), got, events.Filter(e))
		}
		op, ok := doc["operations"].(map[string]any)["publish-"+strings.ReplaceAll(e.Type(), ".", "-")].(map[string]any)
		if !ok || op["action"] != "send" {
			t.Errorf("%s: operation %v", e.Type(), op)
		}
	}
}

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

// Every channel is one operation's own, apart from the inbox, and names the
// tokens of its address.
func TestChannelsAndOperationsFitTogether(t *testing.T) {
	t.Parallel()
	doc := document(t)
	channels := doc["channels"].(map[string]any)
	used, addresses := map[string]bool{}, map[any]bool{}
	for id, o := range doc["operations"].(map[string]any) {
		op := o.(map[string]any)
		target := op["channel"].(map[string]any)["$ref"].(string)
		if used[target] {
			t.Errorf("%s: the channel %s has an operation already", id, target)
		}
		used[target] = true
		inChannel(t, id, target, op["messages"])
		if reply, ok := op["reply"].(map[string]any); ok {
			inChannel(t, id, reply["channel"].(map[string]any)["$ref"].(string), reply["messages"])
		}
	}
	for id, c := range channels {
		channel := c.(map[string]any)
		if addresses[channel["address"]] {
			t.Errorf("%s: the address %v stands twice", id, channel["address"])
		}
		addresses[channel["address"]] = true
		if !used["#/channels/"+id] && id != "inbox" {
			t.Errorf("%s: no operation", id)
		}
		parameters := channel["parameters"].(map[string]any)
		tokens := placeholder.FindAllStringSubmatch(channel["address"].(string), -1)
		for _, token := range tokens {
			if parameters[token[1]] == nil {
				t.Errorf("%s: nothing says what %s is", id, token[0])
			}
		}
		if len(tokens) != len(parameters) {
			t.Errorf("%s: parameters %v, address %v", id, parameters, channel["address"])
		}
	}
}

func inChannel(t *testing.T, id, channel string, messages any) {
	t.Helper()
	for _, m := range messages.([]any) {
		if to := m.(map[string]any)["$ref"].(string); !strings.HasPrefix(to, channel+"/messages/") {
			t.Errorf("%s: the message %s is not of %s", id, to, channel)
		}
	}
}

func TestEveryReferenceLeadsSomewhereAndEverySchemaIsUsed(t *testing.T) {
	t.Parallel()
	doc := document(t)
	seen := map[string]bool{}
	walk(doc, func(m map[string]any) {
		to, ok := m["$ref"].(string)
		if !ok {
			return
		}
		seen[to] = true
		at(t, doc, to)
		if len(m) != 1 {
			t.Errorf("%s has words beside it, which draft-07 does not read: %v", to, m)
		}
	})
	for _, part := range []string{"schemas", "messages", "parameters"} {
		for name := range at(t, doc, "#/components/"+part).(map[string]any) {
			if !seen["#/components/"+part+"/"+name] {
				t.Errorf("nothing refers to %s %s", part, name)
			}
		}
	}
}

func TestEveryRoleHasATag(t *testing.T) {
	t.Parallel()
	var tags []string
	for _, tag := range at(t, document(t), "#/info/tags").([]any) {
		tags = append(tags, tag.(map[string]any)["name"].(string))
	}
	for _, r := range person.Roles() {
		if !slices.Contains(tags, string(r)) {
			t.Errorf("no tag for %s in %v", r, tags)
		}
	}
}

func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, e := range v {
			walk(e, visit)
		}
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

// follow is the object that a reference leads to.
func follow(t testing.TB, doc map[string]any, ref any) map[string]any {
	t.Helper()
	return at(t, doc, ref.(map[string]any)["$ref"].(string)).(map[string]any)
}

// at is what stands at a reference.
func at(t testing.TB, doc map[string]any, ref string) any {
	t.Helper()
	var here any = doc
	for _, step := range strings.Split(ref, "/")[1:] {
		m, ok := here.(map[string]any)
		if !ok || m[step] == nil {
			t.Fatalf("%s leads nowhere", ref)
		}
		here = m[step]
	}
	return here
}
