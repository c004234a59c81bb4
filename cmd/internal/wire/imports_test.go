package wire

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kutse-dev/kutse/"

// rules are the packages that say what is valid, each of which may know those
// after it and nothing else of ours.
var rules = []string{"register", "award", "assessment", "evidence", "retention", "application", "procedure", "catalogue", "reading", "sample", "person", "canon", "prose", "fault"}

// outside is what a package of rules must not know of the standard library.
var outside = []string{"database/sql", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "os/signal", "syscall", "testing"}

// imports says who may import what, where not everybody may. A package not named
// here may import it nowhere.
var imports = map[string][]string{
	"database/sql":                   {"schema/postgres", "schema/migrations", "deploy/dev"},
	"github.com/jmoiron/sqlx":        {"schema/postgres"},
	"github.com/lib/pq":              {"schema/postgres", "deploy/dev"},
	"github.com/pressly/goose":       {"schema/migrations"},
	"github.com/nats-io/nats.go":     {"events/bus", "cmd/internal/client", "cmd/internal/gateway", "cmd/internal/wire", "cmd/internal/play", "cmd/internal/cli", "cmd/kutse-dev", "deploy/dev"},
	"github.com/nats-io/nats-server": {"deploy/dev"},
	"go.temporal.io/server":          {"deploy/dev"},
	"go.temporal.io/sdk":             {"workflows", "activities", "cmd/internal/wire", "cmd/internal/cli", "cmd/kutse-dev", "deploy/dev"},
	"github.com/alecthomas/kong":     {"cmd"},
	"golang.org/x/mod":               {"schema/merkle", "schema/casefile", "cmd/internal/sealer"},
	"filippo.io/age":                 {"schema/seal"},
	"github.com/tink-crypto":         {"schema/seal/kek"},
	module + "cmd/internal/wire":     {"cmd"},
	module + "cmd/internal/gateway":  {"cmd/internal/wire"},
	module + "deploy/dev":            {"deploy/dev", "cmd/internal/local", "cmd/kutse-dev", "schema/postgres/postgrestest"},
	module + "events/bus":            {"events/bus", "schema/postgres", "cmd/internal/wire", "cmd/internal/cli"},
	module + "schema/postgres":       {"schema/postgres", "cmd"},
	module + "schema/migrations":     {"schema/postgres", "cmd"},
	module + "schema/seal/sealtest":  {"schema/postgres/postgrestest"},
	module + "workflows":             {"cmd"},
	module + "activities":            {"workflows"},
	"testing":                        {"events/bus/bustest", "schema/postgres/postgrestest", "deploy/dev/pgserver/pgtest", "deploy"},
}

// reaches says what a package must not come to know, through others either.
var reaches = map[string][]string{
	"workflows":       {"database/sql", "github.com/jmoiron/sqlx", "github.com/lib/pq", "github.com/nats-io", module + "schema/postgres", module + "events/bus"},
	"activities":      {"database/sql", "github.com/nats-io", module + "schema/postgres", module + "events"},
	"events":          {"database/sql", "net/http", "github.com/nats-io", "go.temporal.io"},
	"events/bus":      {"database/sql", "go.temporal.io", module + "schema/postgres"},
	"schema/seal":     {"net", "database/sql", "github.com/nats-io", "go.temporal.io"},
	"schema/casefile": {"database/sql", "github.com/nats-io", "go.temporal.io", module + "events", module + "schema/postgres"},
	// It checks what these wrote, and must not take their word for anything.
	"schema/postgres/check": {module + "schema/postgres", module + "schema/award", module + "schema/assessment", module + "schema/register", module + "schema/application", module + "events", "github.com/nats-io", "go.temporal.io"},
	"cmd/kutse":             {"github.com/nats-io/nats-server", "go.temporal.io/server", module + "deploy"},
}

// graph is each package with what it imports.
type graph map[string][]string

// violations says which import breaks which rule.
func violations(g graph) []string {
	var bad []string
	for pkg, imported := range g {
		name, ours := strings.CutPrefix(pkg, module)
		if !ours {
			continue
		}
		for _, imp := range imported {
			if why := forbidden(name, imp); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", name, imp, why))
			}
		}
		for _, target := range reaches[name] {
			if path := g.path(pkg, target); path != nil {
				bad = append(bad, fmt.Sprintf("%s reaches %s: %s", name, target, strings.Join(path, " -> ")))
			}
		}
	}
	slices.Sort(bad)
	return bad
}

func forbidden(pkg, imp string) string {
	for what, who := range imports {
		if within(imp, what) && !slices.ContainsFunc(who, func(p string) bool { return within(pkg, p) }) {
			return "only " + strings.Join(who, ", ") + " may"
		}
	}
	place := slices.Index(rules, strings.TrimPrefix(pkg, "schema/"))
	if !strings.HasPrefix(pkg, "schema/") || place < 0 {
		return ""
	}
	target, ours := strings.CutPrefix(imp, module)
	switch {
	case ours && slices.Index(rules, strings.TrimPrefix(target, "schema/")) <= place:
		return "a rule knows only those to its right: " + strings.Join(rules, " -> ")
	case !ours && strings.Contains(imp, ".") && !strings.HasPrefix(imp, "go.yaml.in/yaml/"):
		return "a rule uses the standard library and yaml"
	case slices.Contains(outside, imp):
		return "a rule knows nothing of the outside"
	}
	return ""
}

// within says whether a package is p or below it.
func within(pkg, p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") }

// path is how from reaches a package that is target or below it; nil if it does not.
func (g graph) path(from, target string) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := came[next]; seen {
				continue
			}
			came[next] = queue[0]
			if within(next, target) && next != "database/sql/driver" { // interfaces, which google/uuid implements
				var path []string
				for at := next; at != ""; at = came[at] {
					path = append(path, strings.TrimPrefix(at, module))
				}
				slices.Reverse(path)
				return path
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPackagesKnowOnlyWhomTheyMay(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	g := graph{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		g[words[0]] = words[1:]
	}
	for _, pkg := range append(slices.Clone(rules), "blob", "seal", "postgres") {
		if _, ok := g[module+"schema/"+pkg]; !ok {
			t.Errorf("schema/%s is in the rules and not in the tree", pkg)
		}
	}
	for pkg := range reaches {
		if _, ok := g[module+pkg]; !ok {
			t.Errorf("%s is in the rules and not in the tree", pkg)
		}
	}
	for _, v := range violations(g) {
		t.Error(v)
	}
}

func TestAPlantedImportIsFound(t *testing.T) {
	t.Parallel()
	good := func() graph {
		return graph{
			module + "schema/award":       {"fmt", "net/url", module + "schema/catalogue", module + "schema/fault"},
			module + "schema/catalogue":   {"strings", "go.yaml.in/yaml/v3"},
			module + "schema/postgres":    {"database/sql", "github.com/lib/pq", module + "events/bus"},
			module + "events/bus":         {"github.com/nats-io/nats.go/jetstream"},
			module + "activities":         {"go.temporal.io/sdk/temporal"},
			module + "workflows":          {module + "activities", "go.temporal.io/sdk/workflow"},
			module + "cmd/internal/wire":  {module + "workflows", module + "schema/postgres"},
			module + "cmd/kutse":          {module + "cmd/internal/wire"},
			module + "deploy/dev":         {"go.temporal.io/server/temporal", "github.com/nats-io/nats-server/v2/server"},
			"go.temporal.io/sdk/workflow": {"net"},
		}
	}
	if v := violations(good()); len(v) != 0 {
		t.Fatalf("nothing is planted, and it says %v", v)
	}
	for _, c := range []struct{ pkg, imp, says string }{
		{"schema/award", "net/http", "schema/award imports net/http"},
		{"schema/award", "os", "nothing of the outside"},
		{"schema/award", module + "schema/postgres", "schema/award imports"},
		{"schema/award", module + "schema/register", "to its right"},
		{"schema/catalogue", module + "schema/award", "to its right"},
		{"schema/catalogue", module + "schema/seal", "to its right"},
		{"schema/catalogue", "github.com/google/uuid", "standard library and yaml"},
		{"schema/catalogue", "database/sql", "only schema/postgres"},
		{"schema/postgres", "github.com/nats-io/nats.go", "schema/postgres imports github.com/nats-io/nats.go"},
		{"events/bus", "github.com/jmoiron/sqlx", "events/bus imports github.com/jmoiron/sqlx"},
		{"workflows", module + "schema/postgres", "workflows reaches github.com/lib/pq: workflows -> schema/postgres -> github.com/lib/pq"},
		{"activities", module + "events/bus", "workflows reaches github.com/nats-io: workflows -> activities -> events/bus"},
		{"cmd/internal/wire", module + "deploy/dev", "cmd/kutse reaches go.temporal.io/server"},
		{"cmd/internal/wire", "github.com/nats-io/nats-server/v2/server", "only deploy/dev may"},
		{"cmd/internal/other", "github.com/nats-io/nats.go/micro", "cmd/internal/other imports"},
		{"schema/seal", "github.com/tink-crypto/tink-go/v2/aead", "only schema/seal/kek may"},
		{"schema/blob", "filippo.io/age", "only schema/seal may"},
		{"cmd/internal/other", "testing", "cmd/internal/other imports testing"},
	} {
		g := good()
		g[module+c.pkg] = append(g[module+c.pkg], c.imp)
		if v := violations(g); !strings.Contains(strings.Join(v, "\n"), c.says) {
			t.Errorf("%s imports %s: found %q, want %q in it", c.pkg, c.imp, v, c.says)
		}
	}
}

// A rule that reads the clock gives another answer tomorrow. Moments are
// arguments; wire hands the clock in.
func TestNoRuleReadsTheClock(t *testing.T) {
	t.Parallel()
	folders := []string{"events", "events/request", "activities", "workflows", "schema/postgres", "schema/postgres/check", "schema/blob", "schema/seal", "schema/merkle"}
	for _, r := range rules {
		folders = append(folders, "schema/"+r)
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root(t), folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", folder, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), "time.Now") {
				t.Errorf("%s reads the clock", file)
			}
		}
	}
}
