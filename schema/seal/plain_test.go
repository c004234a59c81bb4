package seal_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
)

func TestPlainKeepsBytesAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string][]byte{
		"nothing":                  nil,
		"text":                     []byte("Mari Mägi\nTartu"),
		"bytes that look like tag": {0, 0, 1, 2},
	} {
		sealed, err := seal.Plain{}.Seal(mari, field, plain)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sealed[0] != 0 {
			t.Errorf("%s: format %#x, want 0", name, sealed[0])
		}
		got, err := seal.Plain{}.Open(mari, field, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, plain)
		}
		if got := plainStream(t, plain); !bytes.Equal(got, sealed) {
			t.Errorf("%s: the stream is %q, want the same as in one piece, %q", name, got, sealed)
		}
		r, err := seal.Plain{}.OpenFrom(mari, field, bytes.NewBuffer(sealed))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: streamed got %q, %v; want %q", name, got, err, plain)
		}
	}
}

func TestPlainCopies(t *testing.T) {
	t.Parallel()
	plain := []byte("before")
	sealed, err := seal.Plain{}.Seal(mari, field, plain)
	if err != nil {
		t.Fatal(err)
	}
	copy(plain, "AFTER!")
	if got := string(sealed[1:]); got != "before" {
		t.Errorf("changing the plain text changed what was sealed: %q", got)
	}
}

func TestPlainRefusesOtherFormats(t *testing.T) {
	t.Parallel()
	for _, sealed := range []string{"", "\x01locked", "Mari"} {
		if got, err := (seal.Plain{}).Open(mari, field, []byte(sealed)); err == nil {
			t.Errorf("Open(%q) = %q, want an error", sealed, got)
		}
		if _, err := (seal.Plain{}).OpenFrom(mari, field, strings.NewReader(sealed)); err == nil {
			t.Errorf("OpenFrom(%q) was accepted", sealed)
		}
	}
}

func TestPlainIsToldWhoseAndWhere(t *testing.T) {
	t.Parallel()
	var s seal.Sealer = seal.Plain{}
	for _, of := range []struct {
		p     person.ID
		field string
	}{{"", field}, {mari, ""}} {
		if _, err := s.Seal(of.p, of.field, nil); err == nil {
			t.Errorf("Seal(%q, %q) was accepted", of.p, of.field)
		}
		if _, err := s.Open(of.p, of.field, []byte{0}); err == nil {
			t.Errorf("Open(%q, %q) was accepted", of.p, of.field)
		}
		if _, err := s.SealTo(of.p, of.field, io.Discard); err == nil {
			t.Errorf("SealTo(%q, %q) was accepted", of.p, of.field)
		}
		if _, err := s.OpenFrom(of.p, of.field, strings.NewReader("\x00")); err == nil {
			t.Errorf("OpenFrom(%q, %q) was accepted", of.p, of.field)
		}
	}
}

func TestPlainSeeksWhenWhatIsUnderItDoes(t *testing.T) {
	t.Parallel()
	r, err := seal.Plain{}.OpenFrom(mari, field, bytes.NewReader(plainStream(t, []byte("0123456789"))))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.(io.Seeker)
	if !ok {
		t.Fatal("the reader cannot seek")
	}
	for _, to := range []struct {
		offset int64
		whence int
		want   int64
		rest   string
	}{
		{4, io.SeekStart, 4, "456789"},
		{-3, io.SeekEnd, 7, "789"},
		{0, io.SeekStart, 0, "0123456789"},
	} {
		at, err := s.Seek(to.offset, to.whence)
		rest, readErr := io.ReadAll(r)
		if err != nil || readErr != nil || at != to.want || string(rest) != to.rest {
			t.Errorf("Seek(%d, %d) = %d, %v then %q, %v; want %d then %q", to.offset, to.whence, at, err, rest, readErr, to.want, to.rest)
		}
	}
	for _, before := range []struct {
		offset int64
		whence int
	}{{-1, io.SeekStart}, {-11, io.SeekEnd}, {-12, io.SeekEnd}} {
		if at, err := s.Seek(before.offset, before.whence); err == nil {
			t.Errorf("Seek(%d, %d) = %d, want an error: the tag is not part of it", before.offset, before.whence, at)
		}
	}
}

func plainStream(t *testing.T, plain []byte) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := seal.Plain{}.SealTo(mari, field, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	for b := range bytes.Lines(plain) {
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}
