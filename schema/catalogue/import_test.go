package catalogue

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kutse-dev/kutse/schema/fault"
)

var update = flag.Bool("update", false, "write the standards anew from testdata")

// seeds are the five documents that came with the project, and what must come
// out of them.
var seeds = []seed{
	{Minnesota, "000_4ce7d0dd40bc595b.txt", "it-project-planner-manager", "2024-02", 13, 13, 13},
	{ESCO, "001_4f5e92d37e523e2f.txt", "ict-project-manager", "", 60, 60, 60},
	{KingCounty, "002_24ef83d054f5e3e7.txt", "king-county-itpm-1", "", 19, 30, 29},
	{Salem, "003_925c994eab497971.txt", "salem-it-project-manager", "", 11, 35, 35},
	{EstQF, "004_326a1a22039152c5.txt", "it-manager-7", "08-10052023-1.1/7k", 15, 55, 55},
}

type seed struct {
	scheme                              Scheme
	file, key, version                  string
	competences, statements, assessable int
}

func (s seed) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", s.file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s seed) standard(t testing.TB) *Standard {
	t.Helper()
	got, err := Import(s.scheme, s.file, bytes.NewReader(s.bytes(t)), Options{})
	if err != nil {
		t.Fatalf("%s: %v", s.file, err)
	}
	return got
}

func TestEachSeedIsTheStandardThatComesWithTheProgram(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds {
		t.Run(seed.key, func(t *testing.T) {
			t.Parallel()
			got := seed.standard(t)
			golden := filepath.Join("standards", seed.key+".yaml")
			if *update {
				out, err := got.YAML()
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, out, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			want, err := Read(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s differs from %s (-standard +import); run with -update if that is meant:\n%s", seed.file, golden, diff)
			}
			if out, err := got.YAML(); err != nil || !bytes.Equal(out, b) {
				t.Errorf("%s is not what YAML writes (%v); run with -update", golden, err)
			}
		})
	}
}

// The originals stand beside the repository where the project was made. Where
// they are not there, nothing can be compared.
func TestTheCopiesOfTheSeedsAreExact(t *testing.T) {
	t.Parallel()
	originals := filepath.Join("..", "..", "..", "shared", "seeds")
	if _, err := os.Stat(originals); err != nil {
		t.Skip("no originals beside the repository")
	}
	for _, seed := range seeds {
		want, err := os.ReadFile(filepath.Join(originals, seed.file))
		if err != nil {
			t.Errorf("%s: %v", seed.file, err)
			continue
		}
		if !bytes.Equal(seed.bytes(t), want) {
			t.Errorf("testdata/%s is not the same as %s", seed.file, originals)
		}
	}
}

func TestTheCountsOfTheSeeds(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds {
		got := seed.standard(t)
		competences, statements, assessable := got.Counts()
		if competences != seed.competences || statements != seed.statements || assessable != seed.assessable {
			t.Errorf("%s: %d competences, %d statements, %d assessable; want %d, %d, %d", seed.file,
				competences, statements, assessable, seed.competences, seed.statements, seed.assessable)
		}
		if got.Key != seed.key {
			t.Errorf("%s: key %q, want %q", seed.file, got.Key, seed.key)
		}
		want := seed.version
		if want == "" {
			want = got.Source.SHA256.String()[:12]
		}
		if got.Version != want {
			t.Errorf("%s: version %q, want %q", seed.file, got.Version, want)
		}
	}
}

// A document that was cut off anywhere is refused, or is a smaller standard;
// what B.1 of an Estonian standard announces must be there.
func TestACutOffDocumentIsRefusedOrSmaller(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds {
		t.Run(seed.key, func(t *testing.T) {
			t.Parallel()
			whole := seed.standard(t)
			_, most, _ := whole.Counts()
			lines := bytes.SplitAfter(seed.bytes(t), []byte("\n"))
			for n := range lines {
				got, err := Import(seed.scheme, seed.file, bytes.NewReader(bytes.Join(lines[:n], nil)), Options{})
				if err != nil {
					if fault.Of(err) != fault.Invalid {
						t.Errorf("%s cut after line %d: %v is not a fault of the kind invalid", seed.file, n, err)
					}
					continue
				}
				if err := got.Check(); err != nil {
					t.Errorf("%s cut after line %d: %v", seed.file, n, err)
				}
				if _, statements, _ := got.Counts(); statements > most || seed.scheme == EstQF && statements != most {
					t.Errorf("%s cut after line %d: %d statements of %d", seed.file, n, statements, most)
				}
			}
		})
	}
}

func TestAStandardIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds {
		want := seed.standard(t)
		out, err := want.YAML()
		if err != nil {
			t.Fatalf("%s: %v", seed.file, err)
		}
		got, err := Read(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%s: %v", seed.file, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-written +read):\n%s", seed.file, diff)
		}
		first, err1 := want.Digest()
		second, err2 := got.Digest()
		if err1 != nil || err2 != nil || first != second {
			t.Errorf("%s: digest %s (%v) became %s (%v)", seed.file, first, err1, second, err2)
		}
	}
}

// Windows adds a mark at the start and a character at each line's end. Neither
// changes a word.
func TestTheSameDocumentFromWindowsIsTheSameStandard(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds {
		want := seed.standard(t)
		b := append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(seed.bytes(t), []byte("\n"), []byte("\r\n"))...)
		got, err := Import(seed.scheme, seed.file, bytes.NewReader(b), Options{})
		if err != nil {
			t.Errorf("%s: %v", seed.file, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Standard{}, "Version", "Source")); diff != "" {
			t.Errorf("%s (-plain +Windows):\n%s", seed.file, diff)
		}
	}
}
