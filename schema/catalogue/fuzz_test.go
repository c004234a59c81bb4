package catalogue

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Whatever a document holds, an importer refuses it as invalid or makes a
// standard that passes Check and can be written and read back.

func FuzzImportEstQF(f *testing.F)      { fuzzImport(f, EstQF) }
func FuzzImportESCO(f *testing.F)       { fuzzImport(f, ESCO) }
func FuzzImportMinnesota(f *testing.F)  { fuzzImport(f, Minnesota) }
func FuzzImportKingCounty(f *testing.F) { fuzzImport(f, KingCounty) }
func FuzzImportSalem(f *testing.F)      { fuzzImport(f, Salem) }

func fuzzImport(f *testing.F, scheme Scheme) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no documents to begin with: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, "")
	}
	f.Fuzz(func(t *testing.T, in []byte, title string) {
		s, err := Import(scheme, "fuzz.txt", bytes.NewReader(in), Options{Titles: []string{title}[:min(1, len(title))]})
		sound(t, s, err)
		if err != nil {
			numbered(t, string(scheme), err)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range All() {
		b, err := s.YAML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	b, err := small().YAML()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Read(bytes.NewReader(in))
		sound(t, s, err)
	})
}

func sound(t *testing.T, s *Standard, err error) {
	t.Helper()
	if err != nil {
		if fault.Of(err) != fault.Invalid || fault.Message(err) == "" {
			t.Errorf("%v is not a fault of the kind invalid", err)
		}
		return
	}
	if err := s.Check(); err != nil {
		t.Errorf("what was accepted does not pass Check: %v", err)
	}
	if _, err := s.YAML(); err != nil {
		t.Errorf("what was accepted cannot be written: %v", err)
	}
}

// Documents get damaged by the line: lost, doubled, moved, run together.
func TestADamagedDocumentIsRefusedOrSound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			lines := bytes.SplitAfter(bytes.Clone(b), []byte("\n"))
			for range 1 + random.IntN(4) {
				i, j := random.IntN(len(lines)), random.IntN(len(lines))
				switch random.IntN(4) {
				case 0:
					lines[i] = nil
				case 1:
					lines[i] = append(bytes.Clone(lines[i]), lines[i]...)
				case 2:
					lines[i], lines[j] = lines[j], lines[i]
				case 3:
					lines[i] = bytes.TrimSuffix(lines[i], []byte("\n"))
				}
			}
			in := bytes.Join(lines, nil)
			for _, scheme := range Schemes() {
				s, err := Import(scheme, "damaged.txt", bytes.NewReader(in), Options{})
				sound(t, s, err)
				if err != nil {
					numbered(t, file+" as "+string(scheme), err)
				}
			}
		}
	}
}
