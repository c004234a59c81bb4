package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

const seed004 = "../../../schema/catalogue/testdata/004_326a1a22039152c5.txt"

// standard runs `kutse standard` with the arguments.
func standard(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var grammar struct {
		Globals
		Standard StandardCmd `cmd:""`
	}
	var out, talk bytes.Buffer
	o := &Output{Stdout: &out, Stderr: &talk}
	parser, err := newParser(t.Context(), "kutse", description, &grammar, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(append([]string{"standard"}, args...))
	if err != nil {
		return "", "", err
	}
	err = ctx.Run()
	return out.String(), talk.String(), err
}

func TestImportWritesAStandardThatCanBeShown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out.yaml")
	stdout, talk, err := standard(t, "import", "--kind", "estqf", seed004, "-o", file)
	if err != nil || stdout != "" {
		t.Fatalf("import -o printed %q, %v; want nothing and no error", stdout, err)
	}
	if want := "it-manager-7, version 08-10052023-1.1/7k: 15 competences, 55 statements, 55 of them assessable\n"; !strings.HasPrefix(talk, want) {
		t.Errorf("talk begins %.120q, want %q", talk, want)
	}
	for _, want := range []string{"repaired A.6 Professional preparation: joined a sentence broken over two lines\n", "note: The same text stands at B.2.2/1 and B.2.3/1."} {
		if !strings.Contains(talk, want) {
			t.Errorf("talk lacks %q:\n%s", want, talk)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shown, _, err := standard(t, "show", file)
	if err != nil || shown != string(written) {
		t.Errorf("show FILE differs from what import wrote (%v)", err)
	}
	shown, _, err = standard(t, "show", "it-manager-7")
	if err != nil || shown != string(written) {
		t.Errorf("show KEY differs from what import wrote (%v)", err)
	}
}

func TestListNamesEveryStandard(t *testing.T) {
	t.Parallel()
	stdout, _, err := standard(t, "list")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range catalogue.All() {
		if !strings.Contains(stdout, s.Key+" ") {
			t.Errorf("the list lacks %s:\n%s", s.Key, stdout)
		}
	}
}

func TestDigestIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	s, err := catalogue.ByKey("it-manager-7")
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := standard(t, "digest", "it-manager-7"); err != nil || got != want.String()+"\n" {
		t.Errorf("digest printed %q, %v; want %s", got, err, want)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"show", "no-such-key"}, {"digest", "./no-such-file.yaml"}, {"import", "--kind", "esco", "./no-such-file.txt"}} {
		if _, _, err := standard(t, args...); fault.Of(err) != fault.NotFound {
			t.Errorf("standard %v: %v, want not found", args, err)
		}
	}
}

func TestAFolderIsNoStandard(t *testing.T) {
	t.Parallel()
	if _, _, err := standard(t, "show", t.TempDir()); fault.Of(err) != fault.Invalid {
		t.Errorf("got %v, want invalid", err)
	}
}

func TestEveryKindOfDocumentCanBeNamed(t *testing.T) {
	t.Parallel()
	for _, scheme := range catalogue.Schemes() {
		if _, _, err := standard(t, "import", "--kind", string(scheme), "./no-such-file.txt"); fault.Of(err) != fault.NotFound {
			t.Errorf("--kind %s: %v, want only the file not found", scheme, err)
		}
	}
}
