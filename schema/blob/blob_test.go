package blob

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
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

const (
	mari = person.ID("mari")
	jaan = person.ID("jaan")
)

var content = []byte("%PDF-1.7 a certificate of 25 bytes or a few more")

func TestAFileIsKeptWholeAndSealed(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	up := begin(t, s, mari, content)
	send(t, s, mari, up, content)
	got, err := s.Commit(mari, up.ID)
	address, addressErr := s.Address(mari, canon.Sum(content))
	want := Stored{Digest: canon.Sum(content), Address: address, Size: int64(len(content)), MediaType: "application/pdf"}
	if err != nil || addressErr != nil || got != want {
		t.Fatalf("got %+v, %v, %v; want %+v", got, err, addressErr, want)
	}
	name := address.String()
	if got := onDisk(t, dir); len(got) != 1 || got[0] != filepath.Join("mari", name[:2], name) {
		t.Errorf("on disk %q, want the file at %s alone", got, name)
	}
	nothingShows(t, dir, content)
	for offset := int64(0); offset <= want.Size+1; offset++ {
		b, err := s.Read(mari, want.Digest, offset, 7)
		beg := min(offset, want.Size)
		if wanted := content[beg:min(beg+7, want.Size)]; err != nil || !bytes.Equal(b, wanted) {
			t.Errorf("Read from %d = %q, %v; want %q", offset, b, err, wanted)
		}
	}
	if b, err := s.Read(mari, want.Digest, 0, 1000); err != nil || len(b) != 10 {
		t.Errorf("a read of 1000 gave %d bytes, %v; want one chunk of 10", len(b), err)
	}
}

func TestChunksAreSealedToo(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	up := begin(t, s, mari, content)
	put(t, s, mari, up.ID, 0, content[:10])
	if got := onDisk(t, dir); len(got) != 1 || filepath.Base(got[0]) != "0" {
		t.Errorf("on disk %q, want the first chunk", got)
	}
	nothingShows(t, dir, content[:10])
}

// onDisk is every file in dir.
func onDisk(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, filepath.FromSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// nothingShows fails when the names and bytes on disk show what was sent: a piece
// of it, or the SHA-256 by which it could be recognised.
func nothingShows(t *testing.T, dir string, sent []byte) {
	t.Helper()
	sum := canon.Sum(content)
	for _, name := range onDisk(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range [][]byte{sent[:8], sum[:], []byte(sum.String())} {
			if bytes.Contains(b, part) || strings.Contains(name, string(part)) {
				t.Errorf("%s shows %q: %q", name, part, b)
			}
		}
	}
}

func TestAnUploadGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	up := begin(t, s, mari, content)
	put(t, s, mari, up.ID, 0, content[:10])
	put(t, s, mari, up.ID, 10, content[10:20])

	s = reopen(t, dir)
	again := begin(t, s, mari, content)
	if again.ID != up.ID || again.Offset != 20 {
		t.Fatalf("got %+v, want upload %s at 20", again, up.ID)
	}
	if st, err := s.Status(mari, up.ID); err != nil || st != again {
		t.Errorf("Status = %+v, %v; want %+v", st, err, again)
	}
	if next := put(t, s, mari, up.ID, 0, content[:10]); next != 20 {
		t.Errorf("a chunk that is there: go on from %d, want 20", next)
	}
	if _, err := s.Commit(mari, up.ID); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "offset 20") {
		t.Errorf("committing early: %v, want a conflict that names offset 20", err)
	}
	send(t, s, mari, again, content)
	first, err := s.Commit(mari, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := s.Commit(mari, up.ID); err != nil || second != first {
		t.Errorf("committing again = %+v, %v; want %+v", second, err, first)
	}
	if done := begin(t, s, mari, content); done.Offset != int64(len(content)) {
		t.Errorf("beginning what is stored: go on from %d, want nothing missing", done.Offset)
	}
	if next := put(t, s, mari, up.ID, 0, content[:10]); next != int64(len(content)) {
		t.Errorf("a late chunk: go on from %d, want nothing missing", next)
	}
}

func TestChunksThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	up := begin(t, s, mari, content)
	put(t, s, mari, up.ID, 0, content[:10])
	for name, bad := range map[string]struct {
		offset int64
		chunk  []byte
		want   fault.Kind
	}{
		"ahead":               {20, content[20:30], fault.Conflict},
		"between two":         {5, content[5:15], fault.Conflict},
		"before the first":    {-10, content[:10], fault.Conflict},
		"beyond the last":     {1 << 60, content[:10], fault.Conflict},
		"other than is there": {0, []byte("0123456789"), fault.Conflict},
		"too short":           {10, content[10:19], fault.Invalid},
		"too long":            {10, content[10:21], fault.Invalid},
		"empty":               {10, nil, fault.Invalid},
	} {
		next, err := s.Put(mari, up.ID, bad.offset, bad.chunk)
		if !errors.Is(err, bad.want) || next != 10 {
			t.Errorf("%s: got %d, %v; want %s and offset 10", name, next, err, bad.want)
		}
		if bad.want == fault.Conflict && !strings.Contains(fault.Message(err), "go on from offset 10") {
			t.Errorf("%s: %q does not say where to go on", name, fault.Message(err))
		}
	}
}

func TestWhatIsNotAsAnnouncedIsDropped(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	other := bytes.ToUpper(content)
	up := begin(t, s, mari, content)
	send(t, s, mari, up, other)
	_, err := s.Commit(mari, up.ID)
	if !errors.Is(err, fault.Invalid) {
		t.Fatalf("got %v, want invalid", err)
	}
	for _, d := range []canon.Digest{canon.Sum(content), canon.Sum(other)} {
		if !strings.Contains(fault.Message(err), d.String()) {
			t.Errorf("%q does not name %s", fault.Message(err), d)
		}
		if has, err := s.Has(mari, d); has || err != nil {
			t.Errorf("Has(%s) = %v, %v; want nothing kept", d, has, err)
		}
	}
	up = begin(t, s, mari, content)
	if up.Offset != 0 {
		t.Errorf("begun again at %d, want 0", up.Offset)
	}
	send(t, s, mari, up, content)
	if _, err := s.Commit(mari, up.ID); err != nil {
		t.Errorf("the right content after the wrong one: %v", err)
	}
}

func TestAnnouncementsAreChecked(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	for name, a := range map[string]Announced{
		"empty":          {0, canon.Sum(nil)},
		"less than none": {-1, canon.Sum(nil)},
		"over the limit": {101, canon.Sum(content)},
		"no digest":      {10, canon.Digest{}},
	} {
		if _, err := s.Begin(mari, a, time.Now()); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
}

func TestUploadsPerPersonAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	begin(t, s, mari, []byte("a"))
	begin(t, s, mari, []byte("b"))
	begin(t, s, mari, []byte("b"))
	if _, err := s.Begin(mari, Announced{1, canon.Sum([]byte("c"))}, time.Now()); !errors.Is(err, fault.Conflict) {
		t.Errorf("a third upload: %v, want conflict", err)
	}
	begin(t, s, jaan, []byte("c"))
	if n, err := s.Expire(time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("expired %d, %v; all are younger", n, err)
	}
	if n, err := s.Expire(time.Now().Add(time.Hour)); n != 3 || err != nil {
		t.Errorf("expired %d, %v; want 3", n, err)
	}
}

func TestAnUploadLeftForAnHourGivesWayToANewOne(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	now := time.Now()
	left := func(p person.ID, content string, ago time.Duration) UploadID {
		up := begin(t, s, p, []byte(content))
		if err := os.Chtimes(folder(t, s, dir, p, up.ID), now, now.Add(-ago)); err != nil {
			t.Fatal(err)
		}
		return up.ID
	}
	open := func(p person.ID, id UploadID) bool {
		_, err := s.Status(p, id)
		if err != nil && !errors.Is(err, fault.NotFound) {
			t.Error(err)
		}
		return err == nil
	}
	foreign := left(jaan, "a", 3*time.Hour)
	older, old := left(mari, "a", 2*time.Hour), left(mari, "b", 61*time.Minute)
	left(mari, "a", 2*time.Hour) // begun again, it is one
	third := begin(t, s, mari, []byte("c"))
	if open(mari, older) || !open(mari, old) || !open(mari, third.ID) || !open(jaan, foreign) {
		t.Error("a third upload did not take the place of the oldest of the same person")
	}
	put(t, s, mari, old, 0, []byte("b"))
	_, err := s.Begin(mari, Announced{1, canon.Sum([]byte("d"))}, now.Add(59*time.Minute))
	if !errors.Is(err, fault.Conflict) || !strings.Contains(fault.Message(err), "2 uploads are open") || !open(mari, old) || !open(mari, third.ID) {
		t.Errorf("with two that were added to within the hour: %v, want conflict and both left", err)
	}
	if _, err := s.Begin(mari, Announced{1, canon.Sum([]byte("d"))}, now.Add(62*time.Minute)); err != nil {
		t.Errorf("an hour later: %v, want it begun", err)
	}
}

func TestNobodyMeetsTheFilesOfAnother(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	up := begin(t, s, mari, content)
	send(t, s, mari, up, content)
	if _, err := s.Status(jaan, up.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("status: %v, want not found", err)
	}
	if _, err := s.Commit(jaan, up.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("commit: %v, want not found", err)
	}
	if _, err := s.Commit(mari, up.ID); err != nil {
		t.Fatal(err)
	}
	if has, err := s.Has(jaan, canon.Sum(content)); has || err != nil {
		t.Errorf("Has = %v, %v; want no", has, err)
	}
	if _, err := s.Read(jaan, canon.Sum(content), 0, 5); !errors.Is(err, fault.NotFound) {
		t.Errorf("read: %v, want not found", err)
	}
}

func TestTwoCommittersMakeOneFile(t *testing.T) {
	t.Parallel()
	for range 20 {
		s, dir := store(t)
		other := reopen(t, dir)
		up := begin(t, s, mari, content)
		send(t, s, mari, up, content)
		var wg sync.WaitGroup
		for _, s := range []*Store{s, other, s, other} {
			wg.Go(func() {
				if got, err := s.Commit(mari, up.ID); err != nil || got.Size != int64(len(content)) {
					t.Errorf("got %+v, %v", got, err)
				}
			})
		}
		wg.Wait()
		if b := whole(t, s, mari, canon.Sum(content)); !bytes.Equal(b, content) {
			t.Fatalf("the file is %q", b)
		}
	}
}

func TestCommittingAgainFinishesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	crash := errors.New("crash")
	for _, at := range []string{"written", "foldered", "named", "synced"} {
		s, dir := store(t)
		up := begin(t, s, mari, content)
		send(t, s, mari, up, content)
		s.reached = func(step string) error {
			if step == at {
				return crash
			}
			return nil
		}
		if _, err := s.Commit(mari, up.ID); !errors.Is(err, crash) {
			t.Fatalf("%s: got %v, want the crash", at, err)
		}
		s = reopen(t, dir)
		if got, err := s.Commit(mari, up.ID); err != nil || got.Size != int64(len(content)) {
			t.Errorf("%s: got %+v, %v", at, got, err)
		}
		if b := whole(t, s, mari, canon.Sum(content)); !bytes.Equal(b, content) {
			t.Errorf("%s: the file is %q", at, b)
		}
		left, err := filepath.Glob(filepath.Join(dir, "mari", "uploads", "*"))
		if err != nil || len(left) != 0 {
			t.Errorf("%s: left %v, %v", at, left, err)
		}
	}
}

func TestCommittingWhereOnlySomeChunksWereRemoved(t *testing.T) {
	t.Parallel()
	s, dir := store(t)
	up := begin(t, s, mari, content)
	send(t, s, mari, up, content)
	first := filepath.Join(folder(t, s, dir, mari, up.ID), "0")
	s.reached = func(step string) error {
		if step == "synced" {
			return os.Remove(first)
		}
		return nil
	}
	for range 2 {
		_, err := s.Commit(mari, up.ID)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if b := whole(t, reopen(t, dir), mari, canon.Sum(content)); !bytes.Equal(b, content) {
		t.Errorf("the file is %q", b)
	}
}

func TestASealThatCannotSeekReadsTheSame(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir(), sequential{sealtest.Sealer()})
	up := begin(t, s, mari, content)
	send(t, s, mari, up, content)
	if got, err := s.Commit(mari, up.ID); err != nil || got.Size != int64(len(content)) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, offset := range []int64{0, 13, int64(len(content)), 99} {
		b, err := s.Read(mari, canon.Sum(content), offset, 5)
		beg := min(offset, int64(len(content)))
		if want := content[beg:min(beg+5, int64(len(content)))]; err != nil || !bytes.Equal(b, want) {
			t.Errorf("from %d: %q, %v; want %q", offset, b, err, want)
		}
	}
}

// sequential is a seal that only reads on.
type sequential struct{ seal.Sealer }

func (s sequential) OpenFrom(p person.ID, field string, r io.Reader) (io.Reader, error) {
	return s.Sealer.OpenFrom(p, field, struct{ io.Reader }{r})
}

func TestBadReadsAreInvalid(t *testing.T) {
	t.Parallel()
	s, _ := store(t)
	for _, r := range []struct {
		offset int64
		limit  int
	}{{-1, 1}, {0, 0}, {0, -1}} {
		if _, err := s.Read(mari, canon.Sum(content), r.offset, r.limit); !errors.Is(err, fault.Invalid) {
			t.Errorf("Read(%d, %d): %v, want invalid", r.offset, r.limit, err)
		}
	}
}

func TestALimitOfNothingIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.TempDir(), sealtest.Sealer(), Limits{FileBytes: 1, ChunkBytes: 1}); err == nil {
		t.Error("a store that takes no uploads was opened")
	}
}

func TestIDsAreNeverPaths(t *testing.T) {
	t.Parallel()
	for _, id := range pathTricks {
		tryEverywhere(t, id)
	}
}

var pathTricks = []string{
	"", ".", "..", "../jaan", "mari/..", "/etc", `..\jaan`, "mari\x00", "uploads/..", "ma ri", strings.Repeat("a", 65),
	canon.Sum(content).String() + "-48-10/..", canon.Sum(content).String() + "-+48-10", canon.Sum(content).String() + "-048-10",
	canon.Sum(content).String() + "-48", canon.Sum(content).String() + "-48-0", canon.Sum(content).String() + "--48-10",
}

func FuzzIDsAreNeverPaths(f *testing.F) {
	for _, id := range pathTricks {
		f.Add(id)
	}
	f.Fuzz(tryEverywhere)
}

// tryEverywhere hands id in as a person and as an upload, and sees that nothing
// appears outside the folders of people.
func tryEverywhere(t *testing.T, id string) {
	around := t.TempDir()
	s, err := Open(filepath.Join(around, "store"), sealtest.Sealer(), limits)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, bad := person.ParseID(id)
	up, err := s.Begin(person.ID(id), Announced{int64(len(content)), canon.Sum(content)}, time.Now())
	if (err == nil) != (bad == nil) {
		t.Fatalf("Begin for %q: %v, but as an id: %v", id, err, bad)
	}
	if err == nil {
		send(t, s, person.ID(id), up, content)
		if _, err := s.Commit(person.ID(id), up.ID); err != nil {
			t.Fatal(err)
		}
	}
	for what, err := range map[string]error{
		"status": second(s.Status(mari, UploadID(id))),
		"put":    second(s.Put(mari, UploadID(id), 0, content[:10])),
		"commit": second(s.Commit(mari, UploadID(id))),
	} {
		if fault.Of(err) != fault.Invalid && fault.Of(err) != fault.NotFound && err != nil {
			t.Errorf("%s with upload %q: %v, want a fault", what, id, err)
		}
	}
	entries, err := os.ReadDir(around)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the store: %v, %v", entries, err)
	}
	people, err := os.ReadDir(filepath.Join(around, "store"))
	if err != nil || len(people) > 1 || len(people) == 1 && people[0].Name() != id {
		t.Errorf("people: %v, %v", people, err)
	}
}

func second[T any](_ T, err error) error { return err }

// keys are those of everybody in tests that erase nobody.
var keys = new(sealtest.Keys)

var limits = Limits{FileBytes: 100, ChunkBytes: 10, UploadsPerPerson: 2}

func store(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	return reopen(t, dir), dir
}

func reopen(t *testing.T, dir string) *Store {
	t.Helper()
	return opened(t, dir, seal.Keyed{Keys: keys})
}

func opened(t *testing.T, dir string, sealer seal.Sealer) *Store {
	t.Helper()
	s, err := Open(dir, sealer, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func begin(t *testing.T, s *Store, p person.ID, content []byte) Upload {
	t.Helper()
	up, err := s.Begin(p, Announced{Size: int64(len(content)), SHA256: canon.Sum(content)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return up
}

// folder is where the chunks of an upload are.
func folder(t *testing.T, s *Store, dir string, p person.ID, id UploadID) string {
	t.Helper()
	u, err := s.parse(p, id)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.FromSlash(u.dir()))
}

func put(t *testing.T, s *Store, p person.ID, id UploadID, offset int64, chunk []byte) int64 {
	t.Helper()
	next, err := s.Put(p, id, offset, chunk)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// send puts all that is missing of an upload.
func send(t *testing.T, s *Store, p person.ID, up Upload, content []byte) {
	t.Helper()
	for at := up.Offset; at < int64(len(content)); {
		at = put(t, s, p, up.ID, at, content[at:min(at+int64(up.ChunkBytes), int64(len(content)))])
	}
}

func whole(t *testing.T, s *Store, p person.ID, d canon.Digest) []byte {
	t.Helper()
	f, err := s.OpenFile(p, d)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
