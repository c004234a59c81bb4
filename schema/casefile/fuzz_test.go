package casefile_test

import (
	"bytes"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
)

// Whatever opens can be verified, and what verifies can be written again as it was.
func FuzzOpen(f *testing.F) {
	s := newSample(f)
	b := s.write(f)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add(s.forged(f, replace("case.json", `"format":1`, `"format":2`)))
	limits := casefile.Limits{Archive: 1 << 20, Files: 100, Evidence: 1 << 16, Other: 1 << 17}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := casefile.Open(bytes.NewReader(b), int64(len(b)), limits)
		if err != nil {
			return
		}
		if r := a.Verify(s.trust()); !r.Trusted() {
			return
		}
		file, err := a.File()
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := casefile.Write(&again, file, s.signer); err != nil {
			t.Fatal(err)
		}
	})
}

// What is read is written again byte for byte, fits the schema, and has a page.
func FuzzParseCase(f *testing.F) {
	s := newSample(f)
	text, err := s.Case.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":2}`))
	f.Add([]byte(`{"format":1,"format":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := casefile.ParseCase(text)
		if err != nil {
			return
		}
		if again, err := c.JSON(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%s is written again as %s, %v", text, again, err)
		}
		if err := validate(t, text); err != nil {
			t.Errorf("it is read, and the schema refuses it: %v\n%s", err, text)
		}
		if _, err := casefile.HTML(c, casefile.ReadStandard(s.Standard, c.Standard.Digest)); err != nil {
			t.Error(err)
		}
		casefile.Matrix(c)
	})
}

func FuzzReadStandard(f *testing.F) {
	f.Add(newSample(f).Standard)
	f.Add([]byte(`{"groups":[{"competences":[{"statements":[{"ordinal":1e400}]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		std := casefile.ReadStandard(text, canon.Sum(text))
		if len(text) > 0 && std.Text == "" {
			t.Errorf("%q is lost", text)
		}
	})
}
