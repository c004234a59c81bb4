package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What these tests print must not depend on who runs them.
func TestMain(m *testing.M) {
	for _, name := range []string{"COLUMNS", "KUTSE_NATS", "KUTSE_AS"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// golden compares got with a file of testdata, or writes it with -update.
func golden(t *testing.T, got string, name ...string) {
	t.Helper()
	file := filepath.Join(append([]string{"testdata"}, name...)...)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update writes it anew. Got:\n%s", file, got)
	}
}

// kutse runs the command line.
func kutse(ctx context.Context, args ...string) (stdout, stderr string, code int) {
	var out, talk bytes.Buffer
	code = Main(ctx, args, &out, &talk)
	return out.String(), talk.String(), code
}

// commands are the paths of all commands and groups, the program itself first.
func commands(t *testing.T) [][]string {
	t.Helper()
	var grammar struct {
		Globals
		Commands
	}
	parser, err := newParser(t.Context(), "kutse", description, &grammar, &Output{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var paths [][]string
	var visit func(n *kong.Node, path []string)
	visit = func(n *kong.Node, path []string) {
		paths = append(paths, path)
		for _, child := range n.Children {
			visit(child, append(path[:len(path):len(path)], child.Name))
		}
	}
	visit(parser.Model.Node, nil)
	return paths
}

func TestTheHelpOfEveryCommandHasAnExampleAndFits(t *testing.T) {
	t.Parallel()
	for _, path := range commands(t) {
		stdout, stderr, code := kutse(t.Context(), append(path[:len(path):len(path)], "--help")...)
		if code != 0 || stderr != "" {
			t.Errorf("%v --help exits with %d and says %q", path, code, stderr)
		}
		name := "kutse"
		if len(path) > 0 {
			name = strings.Join(path, " ")
			if !strings.Contains(stdout, "Example:\n\n    kutse "+name) {
				t.Errorf("the help of %s has no example", name)
			}
		}
		lines := strings.Split(stdout, "\n")
		for _, line := range lines[1:] { // the first is the usage, which a terminal may wrap
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("the help of %s is wider than 80 columns: %s", name, line)
			}
		}
		if len(lines) > 60 {
			t.Errorf("the help of %s has %d lines", name, len(lines))
		}
		golden(t, stdout, "help", strings.ReplaceAll(name, " ", "-")+".txt")
	}
}

func TestTheBareNamePrintsTheHelp(t *testing.T) {
	t.Parallel()
	want, _, _ := kutse(t.Context(), "--help")
	if got, _, code := kutse(t.Context()); code != 0 || got != want {
		t.Errorf("kutse alone exits with %d and prints %q", code, got)
	}
}

func TestWhatIsWrongOnTheCommandLineIsSaidAndExitsWithTwo(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"candidate lsit":                                                  "did you mean \"list\"?\nTry: kutse candidate --help",
		"candidate submit A B.2.3/1":                                      "missing flags: --text=TEXT or --text-file=FILE or --link=URL or --file=PATH\nTry: kutse candidate submit --help",
		"candidate submit A B.2.3/1 --text x --link y":                    "--text and --link can't be used together",
		"candidate submit A B --text x":                                   "write competence and number, as in B.2.3/1",
		"candidate submit A B.2.3/1 --text= --as mari":                    "there is nothing in it",
		"candidate hand-in A --as mari":                                   "name competences, as in B.2.3, or give --all",
		"candidate hand-in A B.2.3 --all --as mari":                       "name competences, as in B.2.3, or give --all",
		"candidate list":                                                  "--as c-7f3a, or KUTSE_AS=c-7f3a",
		"candidate list --as a.b":                                         "is not a person's id",
		"candidate list --timeout 0s":                                     "--timeout is longer than nothing",
		"candidate open it-manager-7 --as mari --id 7":                    "--id is a UUID in lower case",
		"assessor judge T --as jaan":                                      "give at least one verdict",
		"assessor judge T --not-yet B.2.3/1 --as jaan":                    "write indicator and reason",
		"assessor file T abc -o x":                                        "<sha256>",
		"committee decide A --grounds g --legal-basis l":                  "missing flags: --award or --refuse or --return=CODE,...",
		"committee decide A --award --refuse --grounds g --legal-basis l": "can't be used together",
		"operator add-person u --name n --role king":                      "roles are candidate, assessor, committee, council and operator",
		"operator add-person u --name n --role adm --scope :x":            "is no scope",
		"operator load-procedure ../operator":                             "there is no file",
		"migrate":                                                         "say where PostgreSQL is: --database URL",
		"migrate --database x --operator ott":                             "--operator and --name must be used together",
		"serve --database x":                                              "--blobs DIR",
		"reconcile":                                                       "say where PostgreSQL is",
		"dead-letters replay":                                             "give --all",
		"dead-letters list --limit 0":                                     "--limit is at least 1",
		"standard import --kind esco x.txt --id 7":                        "--id goes with --load",
		"--bogus": "unknown flag --bogus\nTry: kutse --help",
	} {
		stdout, stderr, code := kutse(t.Context(), strings.Fields(line)...)
		if wanted := map[bool]int{true: 4, false: 2}[strings.Contains(want, "there is no file")]; code != wanted {
			t.Errorf("%s: exits with %d, want %d", line, code, wanted)
		}
		if stdout != "" || !strings.HasPrefix(stderr, "kutse: ") || !strings.Contains(stderr, want) {
			t.Errorf("%s: printed %q and said %q, want %q", line, stdout, stderr, want)
		}
	}
}

func TestAMachineGetsItsErrorAsJSON(t *testing.T) {
	t.Parallel()
	_, stderr, code := kutse(t.Context(), "candidate", "list", "--bogus", "--json")
	if want := `{"error":{"kind":"invalid","message":"unknown flag --bogus\nTry: kutse candidate list --help"}}` + "\n"; stderr != want || code != 2 {
		t.Errorf("exits with %d and says %s, want %s", code, stderr, want)
	}
	if _, stderr, _ := kutse(t.Context(), "candidate", "open", "--", "--json", "x"); strings.HasPrefix(stderr, "{") {
		t.Errorf("--json behind -- is no flag, but it said %s", stderr)
	}
}

// extra is a command as kutse-dev has them.
type extra struct {
	Word string `arg:"" optional:"" default:"nothing"`
}

func (e *extra) Run(ctx context.Context, g *Globals, out *Output, suffix string) error {
	return out.Line(map[string]string{"word": e.Word}, e.Word+suffix+" for "+g.As+" "+context.Cause(ctx).Error())
}

func TestAnotherProgramAddsItsCommandsAndItsDefault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for line, want := range map[string]string{
		"":                    "nothing! for  context canceled\n",
		"start all --as mari": "all! for mari context canceled\n",
		"start all --json":    `{"word":"all"}` + "\n",
	} {
		var grammar struct {
			Globals
			Commands
			Start extra `cmd:"" default:"withargs" help:"Start everything."`
		}
		var out, talk bytes.Buffer
		code := Run(ctx, "kutse-dev", "Everything on one machine.", &grammar, strings.Fields(line), &out, &talk, "!")
		if code != 0 || out.String() != want {
			t.Errorf("kutse-dev %s: exits with %d, prints %q and says %q; want %q", line, code, out.String(), talk.String(), want)
		}
	}
}

func TestWhatOthersWroteCannotCommandTheTerminal(t *testing.T) {
	t.Parallel()
	got := printable("line\n\tcell \x1b[31m\x07\r\u009b2J\u202e\u2066õ 証")
	if want := "line\n\tcell \ufffd[31m\ufffd\ufffd\ufffd2J\ufffd\ufffdõ 証"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
