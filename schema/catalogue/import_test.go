package catalogue

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	for _, seed := range seeds {
		t.Run(seed.key, func(t *testing.T) {
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

func TestTheCountsOfTheSeeds(t *testing.T) {
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
