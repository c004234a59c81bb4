package blob

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// writing writes b in two halves.
func writing(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b[:len(b)/2])
		if err == nil {
			_, err = w.Write(b[len(b)/2:])
		}
		return err
	}
}

func announced(b []byte) Announced { return Announced{Size: int64(len(b)), SHA256: canon.Sum(b)} }

func TestWhatTheSystemWritesIsAFileOfThePerson(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	big := bytes.Repeat(content, 5000)
	for range 2 { // the second time it is there
		got, err := s.Write(mari, announced(big), writing(big))
		if err != nil || got.Digest != canon.Sum(big) || got.Size != int64(len(big)) || got.MediaType != "application/pdf" {
			t.Fatalf("got %+v, %v; want the file", got, err)
		}
	}
	if got := whole(t, s, mari, canon.Sum(big)); !bytes.Equal(got, big) {
		t.Errorf("%d bytes came back, want the %d that were written", len(got), len(big))
	}
	address, err := s.Address(mari, canon.Sum(big))
	if err != nil {
		t.Fatal(err)
	}
	name := address.String()
	if got := onDisk(t, dir); len(got) != 1 || got[0] != filepath.Join("mari", name[:2], name) {
		t.Errorf("on disk %q, want the file at %s alone", got, name)
	}
	nothingShows(t, dir, content)
	for range 2 {
		if err := s.Remove(mari, canon.Sum(big)); err != nil {
			t.Fatal(err)
		}
	}
	if got := onDisk(t, dir); len(got) != 0 {
		t.Errorf("on disk %q, want nothing after it was removed", got)
	}
}

func TestWhatIsWrittenOtherwiseIsNotKept(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	broken := errors.New("the writer broke")
	for name, write := range map[string]func(io.Writer) error{
		"other bytes":       writing(bytes.ToUpper(content)),
		"fewer":             writing(content[:10]),
		"more":              writing(append(content[:len(content):len(content)], 0)),
		"nothing":           func(io.Writer) error { return nil },
		"one that broke":    func(w io.Writer) error { _, _ = w.Write(content); return broken },
		"one that gives up": func(io.Writer) error { return fault.Unavailable.New("not now") },
	} {
		if _, err := s.Write(mari, announced(content), write); err == nil || fault.Of(err) == fault.NotFound {
			t.Errorf("%s: %v, want an error of the writer's", name, err)
		}
		if got := onDisk(t, dir); len(got) != 0 {
			t.Errorf("%s: on disk %q, want nothing", name, got)
		}
	}
}

func TestTwoWhoWriteTheSameBothHaveIt(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			if _, err := s.Write(mari, announced(content), writing(content)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if got := onDisk(t, dir); len(got) != 1 {
		t.Errorf("on disk %q, want one file", got)
	}
}

func TestNothingIsWrittenForWhoWasErased(t *testing.T) {
	t.Parallel()
	s, dir, keys := erasable(t)
	_, err := s.Write(mari, announced(content), func(w io.Writer) error {
		keys.Forget(mari)
		if err := s.Erase(mari); err != nil {
			t.Error(err)
		}
		return writing(content)(w)
	})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("erased while it was written: %v, want a conflict", err)
	}
	if _, err := s.Write(mari, announced(content), writing(content)); !errors.Is(err, fault.Conflict) {
		t.Errorf("erased before: %v, want a conflict", err)
	}
	if err := s.Remove(mari, canon.Sum(content)); err != nil {
		t.Errorf("removing what was erased: %v", err)
	}
	if got := onDisk(t, dir); len(got) != 0 {
		t.Errorf("on disk %q, want nothing", got)
	}
	if _, err := s.Write("../etc", announced(content), writing(content)); err == nil {
		t.Error("a file was written for a path")
	}
	if err := s.Remove(person.ID("../etc"), canon.Sum(content)); err == nil {
		t.Error("a path was removed")
	}
}

func TestAFileIsReadFromAnyPlace(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	big := bytes.Repeat(content, 5000)
	if _, err := s.Write(mari, announced(big), writing(big)); err != nil {
		t.Fatal(err)
	}
	f, err := s.OpenFile(mari, canon.Sum(big))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int{0, 1, 65535, 65536, 65537, len(big) - 7, 3} {
		b := make([]byte, 7)
		if n, err := f.ReadAt(b, int64(at)); n != 7 || (err != nil && !errors.Is(err, io.EOF)) || !bytes.Equal(b, big[at:at+7]) {
			t.Errorf("at %d: %d bytes %q, %v; want %q", at, n, b, err, big[at:at+7])
		}
	}
	if n, err := f.ReadAt(make([]byte, 7), int64(len(big)-3)); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("over the end: %d bytes, %v; want 3 and the end", n, err)
	}
}
