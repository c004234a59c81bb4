package blob

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/seal"
	"github.com/kutse-dev/kutse/schema/seal/sealtest"
)

func TestAnErasedPersonLeavesNothingOnDisk(t *testing.T) {
	t.Parallel()
	s, dir, keys := erasable(t)
	stored(t, s, mari, content)
	up := begin(t, s, mari, []byte("another file on its way"))
	put(t, s, mari, up.ID, 0, []byte("another fi"))
	stored(t, s, jaan, content)
	keys.Forget(mari)
	for range 2 {
		if err := s.Erase(mari); err != nil {
			t.Fatal(err)
		}
		onlyJaanIn(t, dir)
	}
	if b := whole(t, s, jaan, canon.Sum(content)); !bytes.Equal(b, content) {
		t.Errorf("the same file of another person is %q", b)
	}
	if err := s.Erase("nobody"); err != nil {
		t.Errorf("somebody who had no files: %v", err)
	}
	if err := s.Erase(".."); !errors.Is(err, fault.Invalid) {
		t.Errorf("no person: %v, want invalid", err)
	}
}

func TestErasingAgainFinishesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	s, dir, keys := erasable(t)
	stored(t, s, mari, content)
	stored(t, s, jaan, content)
	other := reopenWith(t, dir, keys) // a process that did not crash
	crash := errors.New("crash")
	s.reached = func(string) error {
		begin(t, other, mari, content) // still has the key, and goes on
		return crash
	}
	if err := s.Erase(mari); !errors.Is(err, crash) {
		t.Fatalf("got %v, want the crash", err)
	}
	if err := reopenWith(t, dir, keys).Erase(mari); err != nil {
		t.Fatal(err)
	}
	onlyJaanIn(t, dir)
}

func TestWhoWasErasedIsToldSo(t *testing.T) {
	t.Parallel()
	s, _, keys := erasable(t)
	file := stored(t, s, mari, content)
	other := []byte("another file on its way")
	up := begin(t, s, mari, other)
	put(t, s, mari, up.ID, 0, other[:10])
	keys.Forget(mari)
	for _, files := range []string{"there", "gone"} {
		for what, c := range map[string]struct {
			err  error
			want fault.Kind
		}{
			"beginning":        {second(s.Begin(mari, Announced{1, canon.Sum([]byte("b"))}, time.Now())), fault.Conflict},
			"asking how far":   {second(s.Status(mari, up.ID)), fault.Conflict},
			"a chunk":          {second(s.Put(mari, up.ID, 10, other[10:20])), fault.Conflict},
			"a chunk again":    {second(s.Put(mari, up.ID, 0, other[:10])), fault.Conflict},
			"committing":       {second(s.Commit(mari, up.ID)), fault.Conflict},
			"an address":       {second(s.Address(mari, file.Digest)), fault.Conflict},
			"opening":          {second(s.OpenFile(mari, file.Digest)), fault.NotFound},
			"reading":          {second(s.Read(mari, file.Digest, 0, 5)), fault.NotFound},
			"asking what":      {second(s.Stat(mari, file.Digest)), fault.NotFound},
			"opening nothing":  {second(s.OpenFile(mari, canon.Sum(nil))), fault.NotFound},
			"reading, checked": {second(s.Check(mari, file.Address)), fault.NotFound},
		} {
			gone := files == "gone" && strings.HasSuffix(what, "checked") // not there for whatever reason
			if fault.Of(c.err) != c.want || errors.Is(c.err, seal.ErrErased) == gone || fault.Message(c.err) == "" {
				t.Errorf("%s, files %s: %v, want %s because of the erasure, in words", what, files, c.err, c.want)
			}
		}
		if has, err := s.Has(mari, file.Digest); has || err != nil {
			t.Errorf("files %s: Has = %v, %v; want no", files, has, err)
		}
		if err := s.Erase(mari); err != nil {
			t.Fatal(err)
		}
	}
}

// Each process sees the key go at another moment. Whatever they are doing then
// ends well or in words, and erasing again leaves nothing.
func TestErasingWhileOthersWrite(t *testing.T) {
	t.Parallel()
	for range 20 {
		s, dir, keys := erasable(t)
		stored(t, s, jaan, content)
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() { sendUntilErased(t, reopenWith(t, dir, keys), []byte(fmt.Sprintf("%s %d", content, n))) })
		}
		wg.Go(func() {
			keys.Forget(mari)
			if err := s.Erase(mari); err != nil {
				t.Errorf("while others write: %v", err)
			}
		})
		wg.Wait()
		if err := s.Erase(mari); err != nil {
			t.Error(err)
		}
		onlyJaanIn(t, dir)
	}
}

func sendUntilErased(t *testing.T, s *Store, content []byte) {
	up, err := s.Begin(mari, Announced{int64(len(content)), canon.Sum(content)}, time.Now())
	for at := up.Offset; err == nil && at < up.Size; {
		at, err = s.Put(mari, up.ID, at, content[at:min(at+int64(up.ChunkBytes), up.Size)])
	}
	if err == nil {
		_, err = s.Commit(mari, up.ID)
	}
	if err != nil && fault.Of(err) == "" {
		t.Errorf("a writer met %v, want a fault", err)
	}
}

func erasable(t *testing.T) (*Store, string, *sealtest.Keys) {
	t.Helper()
	dir, keys := t.TempDir(), new(sealtest.Keys)
	return reopenWith(t, dir, keys), dir, keys
}

func reopenWith(t *testing.T, dir string, keys *sealtest.Keys) *Store {
	t.Helper()
	wide := limits
	wide.UploadsPerPerson = 10
	s, err := Open(dir, seal.Keyed{Keys: keys}, wide)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// stored is a file that was sent and committed.
func stored(t *testing.T, s *Store, p person.ID, content []byte) Stored {
	t.Helper()
	up := begin(t, s, p, content)
	send(t, s, p, up, content)
	file, err := s.Commit(p, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func onlyJaanIn(t *testing.T, dir string) {
	t.Helper()
	people, err := os.ReadDir(dir)
	if err != nil || len(people) != 1 || people[0].Name() != string(jaan) {
		t.Errorf("in the store: %v, %v; want the folder of jaan alone", people, err)
	}
	if files := onDisk(t, filepath.Join(dir, string(jaan))); len(files) != 1 {
		t.Errorf("of jaan: %q, want the one file", files)
	}
}
