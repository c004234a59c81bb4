package merkle_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestPublishingGoesOnFromWhatIsThere(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := newBook(t, 0)
	for _, more := range []int{0, 1, 3, 252, 1, 200, 800} { // 0 1 4 256 257 457 1257
		b.grow(t, more)
		dir := b.publish(t, root)
		if r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}}); !r.OK() || r.Beyond != 0 {
			t.Fatalf("%d records: got %v, %d tiles beyond", len(b.entries), r.Faults, r.Beyond)
		}
		before := files(t, root)
		again, err := b.tryPublish(t, root)
		if err != nil || again.Files != 0 || !maps.Equal(before, files(t, root)) {
			t.Errorf("%d records, published twice: got %+v, %v; want that nothing is written", len(b.entries), again, err)
		}
	}
	// The folder is what publishing at once makes, but for the partial tiles of which
	// no complete one came yet.
	got, want := files(t, root), files(t, filepath.Dir(b.publish(t, t.TempDir())))
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s is another one, or not there", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && !strings.Contains(name, "tile/1/000.p/") {
			t.Errorf("%s was left over", name)
		}
	}
	if got["logs"] != "2026\n" || got["2026/keys"] != b.vkey()+"\n" {
		t.Errorf("logs %q, keys %q", got["logs"], got["2026/keys"])
	}
}

// failing stops giving entries or hashes after so many reads.
type failing struct {
	*book
	left int
}

var errStopped = errors.New("stopped")

func (f *failing) count() error {
	if f.left--; f.left < 0 {
		return errStopped
	}
	return nil
}

func (f *failing) Entries(ctx context.Context, from, to int64) ([][]byte, error) {
	if err := f.count(); err != nil {
		return nil, err
	}
	return f.book.Entries(ctx, from, to)
}

func (f *failing) Tile(ctx context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	if err := f.count(); err != nil {
		return nil, err
	}
	return f.book.Tile(ctx, level, n, width)
}

// Wherever it stops, what is there is a whole log, and the next time it goes on.
func TestStoppingAnywhereDoesNoHarm(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	first := b.checkpoint(t)
	b.grow(t, 5000)
	for stop := 0; ; stop += 2 {
		root := t.TempDir()
		dir := b.rebuilt(t, func(e [][]byte) [][]byte { return e[:300] }).publish(t, root)
		_, err := merkle.Publish(t.Context(), root, &failing{b, stop}, merkle.Publication{Checkpoint: b.checkpoint(t).Note, Keys: b.keys})
		if err == nil {
			if stop < 20 {
				t.Errorf("it took %d reads only: the test tests nothing", stop)
			}
			break
		}
		if !errors.Is(err, errStopped) {
			t.Fatalf("stopped at read %d: got %v", stop, err)
		}
		if r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}}); !r.OK() || r.Size != first.Size {
			t.Fatalf("stopped at read %d: got %v at %d", stop, r.Faults, r.Size)
		}
		b.publish(t, root)
		if r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}}); !r.OK() || r.Size != 5300 {
			t.Fatalf("stopped at read %d and gone on: got %v at %d", stop, r.Faults, r.Size)
		}
	}
}

// A power cut may leave a file empty, or with zeros for what was not on the disk yet.
func TestATornFileIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, keep := range []int{0, 100} {
		root := t.TempDir()
		b := newBook(t, 600)
		dir := b.publish(t, root)
		edit(t, dir, "tile/entries/001", func(f []byte) []byte { return f[:keep] })
		edit(t, dir, "tile/0/000", func(f []byte) []byte { clear(f[keep:]); return f })
		if err := os.Remove(filepath.Join(dir, "checkpoint")); err != nil {
			t.Fatal(err)
		}
		b.publish(t, root)
		if r := verify(t, dir, merkle.Options{}); !r.OK() {
			t.Errorf("%d bytes kept: got %v", keep, r.Faults)
		}
	}
}

// What is published bears witness against its owner.
func TestWhatIsPublishedIsNotTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(b *book) *book
		remove bool // the checkpoint of the publication
		says   string
	}{
		"a record changed, hashed and signed anew": {func(b *book) *book {
			return b.rebuilt(t, func(e [][]byte) [][]byte { e[300] = rewritten(t, 300); return e })
		}, false, "record 300 is published, and is another one"},
		"with the published checkpoint removed": {func(b *book) *book {
			return b.rebuilt(t, func(e [][]byte) [][]byte { e[300] = rewritten(t, 300); return e })
		}, true, "tile/entries/001 is published already, and differs from record 300"},
		"the tail cut off": {func(b *book) *book {
			return b.rebuilt(t, func(e [][]byte) [][]byte { return e[:599] })
		}, false, "record 599 would be taken back"},
		"a row changed after it was sealed": {func(b *book) *book {
			b.grow(t, 300)
			b.entries[700] = rewritten(t, 700)
			return b
		}, false, "record 700 is no longer what it was"},
		"a row taken out after it was sealed": {func(b *book) *book {
			b.grow(t, 300)
			b.entries = slices.Delete(b.entries, 700, 701)
			return b
		}, false, "record 700 is no longer what it was"},
		"the last row taken out after it was sealed": {func(b *book) *book {
			b.grow(t, 300)
			b.entries = b.entries[:899]
			return b
		}, false, "record 899 is no longer there"},
		"a hash changed at the edge": {func(b *book) *book {
			b.grow(t, 300)
			c := b.checkpoint(t)
			b.leaves[899][0] ^= 1
			b.signers = []merkle.Signer{fixed{b.signers[0], c}}
			return b
		}, false, "are not those that were signed"},
		"a hash changed within": {func(b *book) *book {
			b.grow(t, 256*256)
			b.nodes[[2]int64{1, 5}] = merkle.Hash{1}
			return b
		}, false, "the hash over records 1280 to 1535 is not what they give"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			b := newBook(t, 600)
			dir := b.publish(t, root)
			if c.remove {
				if err := os.Remove(filepath.Join(dir, "checkpoint")); err != nil {
					t.Fatal(err)
				}
			}
			before := files(t, root)
			checkpoint := func(b *book) []byte {
				if f, ok := b.signers[0].(fixed); ok {
					return f.c.Note
				}
				return b.checkpoint(t).Note
			}
			changed := c.change(b)
			_, err := merkle.Publish(t.Context(), root, changed, merkle.Publication{Checkpoint: checkpoint(changed), Keys: changed.keys})
			if fault.Of(err) != fault.Conflict || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %v, want a conflict and %q", err, c.says)
			}
			after := files(t, root)
			for name, content := range before {
				if after[name] != content {
					t.Errorf("%s is another one now", name)
				}
			}
		})
	}
}

// fixed keeps a checkpoint that was signed before.
type fixed struct {
	merkle.Signer
	c merkle.Checkpoint
}

func TestWhatIsNotPublished(t *testing.T) {
	t.Parallel()
	b := newBook(t, 3)
	_, other := newKey(t)
	c := b.checkpoint(t)
	for what, p := range map[string]merkle.Publication{
		"no keys":         {Checkpoint: c.Note},
		"another key":     {Checkpoint: c.Note, Keys: []merkle.Key{{VKey: other}}},
		"no checkpoint":   {Keys: b.keys},
		"a key from thin": {Checkpoint: c.Note, Keys: append(slices.Clone(b.keys), merkle.Key{VKey: other})},
	} {
		root := t.TempDir()
		if _, err := merkle.Publish(t.Context(), root, b, p); err == nil {
			t.Errorf("%s: it was published", what)
		}
		if _, err := os.Stat(filepath.Join(root, "2026", "checkpoint")); err == nil {
			t.Errorf("%s: a checkpoint was published", what)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	const size = 100_000
	bk := newBook(b, size)
	b.ResetTimer()
	for range b.N {
		bk.publish(b, b.TempDir())
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
}
