package merkle_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func verify(t testing.TB, dir string, o merkle.Options) merkle.Report {
	t.Helper()
	r, err := merkle.Verify(t.Context(), merkle.Dir(dir), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestALogAsItWasSealedHasNoFaults(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2, 255, 256, 257, 511, 512, 700, 1024} {
		b := newBook(t, size)
		dir := b.publish(t, t.TempDir())
		var done int64
		r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}, Progress: func(d, _ int64) { done = d }})
		if !r.OK() || !r.Pinned || !slices.Equal(r.Keys, []string{b.vkey()}) || r.Size != int64(size) || r.Origin != origin || r.Beyond != 0 || done != int64(size) {
			t.Errorf("%d records: got %+v, done %d", size, r, done)
		}
		if size > 0 && !r.Last.Equal(leaf(size-1).Time) {
			t.Errorf("%d records: the last is of %v, want %v", size, r.Last, leaf(size-1).Time)
		}
		if r = verify(t, dir, merkle.Options{}); !r.OK() || r.Pinned {
			t.Errorf("%d records, by the keys beside it: got %+v", size, r)
		}
	}
}

// Three levels of tiles.
func TestALargeLog(t *testing.T) {
	t.Parallel()
	const size = 256*256 + 300
	b := newBook(t, size)
	root := t.TempDir()
	dir := b.publish(t, root)
	if r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}}); !r.OK() {
		t.Fatalf("got %v", r.Faults)
	}
	older := b.rebuilt(t, func(e [][]byte) [][]byte { return e[:256*256+10] }).publish(t, t.TempDir())

	for name, c := range map[string]struct {
		file string
		at   int
		want int64
	}{
		"a hash of level 2":             {"tile/2/000.p/1", 3, 0},
		"a hash of level 1":             {"tile/1/000", 32 * 200, 200 * 256},
		"a hash of level 1 at the edge": {"tile/1/001.p/1", 3, 256 * 256},
		"a hash of level 0":             {"tile/0/200", 32 * 7, 200*256 + 7},
		"an entry":                      {"tile/entries/200", 10, 200 * 256},
		"at the edge":                   {"tile/entries/257.p/44", 10, 257 * 256},
	} {
		edit(t, dir, c.file, func(f []byte) []byte { f[c.at] ^= 1; return f })
		r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}, Against: []merkle.Source{merkle.Dir(older)}})
		if first, _ := r.First(); first.Position != c.want || len(r.Faults) != 1 {
			t.Errorf("%s: got %v, want one, of record %d", name, r.Faults, c.want)
		}
		edit(t, dir, c.file, func(f []byte) []byte { f[c.at] ^= 1; return f })
	}

	forged := b.rebuilt(t, func(e [][]byte) [][]byte { e[40_000] = rewritten(t, 40_000); return e }).publish(t, t.TempDir())
	r := verify(t, forged, merkle.Options{Against: []merkle.Source{merkle.Dir(older)}})
	if first, _ := r.First(); first.Position != 40_000 {
		t.Errorf("re-chained and signed: got %v, want record 40000", r.Faults)
	}
}

// What an owner of the database and of the folder can do, and which record is named.
func TestTampering(t *testing.T) {
	t.Parallel()
	const size = 900
	b := newBook(t, size)
	old := b.rebuilt(t, func(e [][]byte) [][]byte { return e[:700] })
	older := old.publish(t, t.TempDir())
	checkpoints := [][]byte{
		b.rebuilt(t, func(e [][]byte) [][]byte { return e[:300] }).checkpoint(t).Note,
		old.checkpoint(t).Note,
		b.checkpoint(t).Note,
	}
	against := merkle.Options{Keys: []string{b.vkey()}, Against: []merkle.Source{merkle.Dir(older)}}
	single := merkle.Options{Keys: []string{b.vkey()}, Checkpoints: checkpoints}
	alone := merkle.Options{Keys: []string{b.vkey()}}
	swap := func(e [][]byte) [][]byte { e[10], e[20] = e[20], e[10]; return e }
	flip := func(f []byte) []byte { f[32*44] ^= 1; return f }

	rebuild := func(change func(e [][]byte) [][]byte) func(t *testing.T) string {
		return func(t *testing.T) string { return b.rebuilt(t, change).publish(t, t.TempDir()) }
	}
	touch := func(change func(dir string)) func(t *testing.T) string {
		return func(t *testing.T) string {
			dir := b.publish(t, t.TempDir())
			change(dir)
			return dir
		}
	}
	otherKey := func(change func(e [][]byte) [][]byte) func(t *testing.T) string {
		return func(t *testing.T) string {
			forged := b.rebuilt(t, change)
			forged.rekey(t)
			return forged.publish(t, t.TempDir())
		}
	}
	same := func(e [][]byte) [][]byte { return e }
	change17 := func(e [][]byte) [][]byte { e[17] = rewritten(t, 17); return e }

	for name, c := range map[string]struct {
		make func(t *testing.T) string
		o    merkle.Options
		want int64
		says string
	}{
		"an entry is changed": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { e[44] = rewritten(t, 300); return e })
		}), alone, 300, "changed after it was sealed"},
		"an entry at the edge is changed": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/003.p/132", func(e [][]byte) [][]byte { e[32] = rewritten(t, 800); return e })
		}), alone, 800, "changed after it was sealed"},
		"an entry is changed and its hash with it": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { e[44] = rewritten(t, 300); return e })
			edit(t, dir, "tile/0/001", func(f []byte) []byte { h := merkle.HashEntry(rewritten(t, 300)); copy(f[44*32:], h[:]); return f })
		}), alone, 256, "records 256 to 511, one or more were changed"},
		"and an older publication names it": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { e[44] = rewritten(t, 300); return e })
			edit(t, dir, "tile/0/001", func(f []byte) []byte { h := merkle.HashEntry(rewritten(t, 300)); copy(f[44*32:], h[:]); return f })
		}), against, 300, "record 300 is another one"},
		"an entry is removed": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { return slices.Delete(e, 44, 45) })
		}), alone, 300, "changed after it was sealed"},
		"the last entry of a bundle is removed": {touch(func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { return e[:255] })
		}), alone, 511, "missing"},
		"the tail of the entries is deleted": {touch(func(dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "tile/entries/003.p")); err != nil {
				t.Error(err)
			}
		}), alone, 768, "record 768 is missing"},
		"the tail is deleted with its hashes": {touch(func(dir string) {
			for _, d := range []string{"tile/entries/003.p", "tile/0/003.p"} {
				if err := os.RemoveAll(filepath.Join(dir, d)); err != nil {
					t.Error(err)
				}
			}
		}), alone, 768, "missing"},
		"two entries are swapped": {touch(func(dir string) { editBundle(t, dir, "tile/entries/000", swap) }), alone, 10, "changed after it was sealed"},
		"a bundle goes on": {touch(func(dir string) {
			edit(t, dir, "tile/entries/003.p/132", func(f []byte) []byte { return append(f, 0) })
		}), alone, 899, "goes on"},
		"a hash in level 0 is changed":  {touch(func(dir string) { edit(t, dir, "tile/0/001", flip) }), alone, 300, "the record was not"},
		"a hash in level 0 at the edge": {touch(func(dir string) { edit(t, dir, "tile/0/003.p/132", flip) }), alone, 812, "the record was not"},
		"a hash in level 1 is changed":  {touch(func(dir string) { edit(t, dir, "tile/1/000.p/3", func(f []byte) []byte { f[64] ^= 1; return f }) }), alone, 512, "the records were not"},
		"a tile of level 1 is removed": {touch(func(dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "tile/1")); err != nil {
				t.Error(err)
			}
		}), alone, 0, "the hashes over records 0 to 767 are missing"},
		"the size in the checkpoint is changed": {touch(func(dir string) {
			edit(t, dir, "checkpoint", func(f []byte) []byte { return []byte(strings.Replace(string(f), "\n900\n", "\n899\n", 1)) })
		}), alone, 0, "was changed after"},

		"hashed and signed anew, an older publication knows":            {rebuild(change17), against, 17, "record 17 is another one"},
		"hashed and signed anew, older checkpoints know it was before":  {rebuild(change17), single, 0, "records 0 to 299"},
		"or between two of them":                                        {rebuild(func(e [][]byte) [][]byte { e[500] = rewritten(t, 500); return e }), single, 300, "records 300 to 699"},
		"a record is taken out, hashed and signed anew":                 {rebuild(func(e [][]byte) [][]byte { return slices.Delete(e, 500, 501) }), against, 500, "record 500 is another one"},
		"two are swapped, hashed and signed anew":                       {rebuild(swap), against, 10, "record 10 is another one"},
		"the tail is cut off and what remains signed":                   {rebuild(func(e [][]byte) [][]byte { return e[:850] }), single, 850, "counts 900, this log 850: record 850 is missing"},
		"the tail is cut off, an older publication was longer":          {rebuild(func(e [][]byte) [][]byte { return e[:600] }), against, 600, "counts 700, this log 600: record 600 is missing"},
		"cut off and changed":                                           {rebuild(func(e [][]byte) [][]byte { return change17(e)[:600] }), against, 17, "record 17 is another one"},
		"signed with another key":                                       {otherKey(same), alone, 0, "nothing in it is proven"},
		"signed with another key, an older publication stands for some": {otherKey(same), against, 700, "nothing from record 700 on is proven"},
		"hashed anew and signed with another key":                       {otherKey(change17), alone, 0, "nothing in it is proven"},
		"hashed anew and signed with another key, an older one knows":   {otherKey(change17), against, 17, "record 17 is another one"},
		"signed with another key, and only the older one to go by":      {otherKey(change17), merkle.Options{Against: against.Against}, 17, "record 17 is another one"},
		"signed with another key, and only checkpoints to go by":        {otherKey(same), merkle.Options{Checkpoints: checkpoints}, 0, "not signed by a key that this log names"},
		"a record of another year": {rebuild(func(e [][]byte) [][]byte {
			l := leaf(40)
			l.Time = time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC)
			e[40] = entry(t, l)
			return e
		}), alone, 40, "of 2025-12-31, in the log of 2026"},
		"an audit row twice":    {rebuild(func(e [][]byte) [][]byte { e[600] = e[40]; return e }), alone, 600, "and so is record 40"},
		"what is no entry":      {rebuild(func(e [][]byte) [][]byte { e[600] = []byte(`{"v":2}`); return e }), alone, 600, "no entry of version 1"},
		"an entry with a space": {rebuild(func(e [][]byte) [][]byte { e[600] = append(e[600], ' '); return e }), alone, 600, "goes on after its end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := verify(t, c.make(t), c.o)
			first, found := r.First()
			if !found || first.Position != c.want || !strings.Contains(first.What, c.says) {
				t.Errorf("got %v, want record %d and %q", r.Faults, c.want, c.says)
			}
			for _, f := range r.Faults {
				if f.Position >= 0 && f.Position < c.want {
					t.Errorf("record %d is named, which is before the first wrong one, %d", f.Position, c.want)
				}
			}
		})
	}
}

func TestAnOlderPublicationNamesTheRecordThatWasHiddenWell(t *testing.T) {
	t.Parallel()
	b := newBook(t, 900)
	older := b.publish(t, t.TempDir())
	dir := b.rebuilt(t, func(e [][]byte) [][]byte { e[300] = rewritten(t, 300); return e }).publish(t, t.TempDir())
	edit(t, dir, "checkpoint", func([]byte) []byte { return b.checkpoint(t).Note }) // what was really signed
	if first, _ := verify(t, dir, merkle.Options{}).First(); first.Position != 0 || !strings.Contains(first.What, "of records 0 to 899, one or more") {
		t.Errorf("got %v, want that any of the records may be it", first)
	}
	r := verify(t, dir, merkle.Options{Against: []merkle.Source{merkle.Dir(older)}})
	if first, _ := r.First(); first.Position != 300 || len(r.Faults) != 1 {
		t.Errorf("got %v, want record 300 alone", r.Faults)
	}
}

// A byte flipped anywhere in a publication is noticed.
func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	dir := b.publish(t, t.TempDir())
	o := merkle.Options{Keys: []string{b.vkey()}}
	for name, content := range files(t, dir) {
		if name == "keys" { // the caller has his own
			continue
		}
		for at := 0; at < len(content); at += 1 + len(content)/40 {
			edit(t, dir, name, func(f []byte) []byte { f[at] ^= 4; return f })
			if r := verify(t, dir, o); r.OK() {
				t.Errorf("%s, byte %d: nothing was found", name, at)
			}
			edit(t, dir, name, func(f []byte) []byte { f[at] ^= 4; return f })
		}
	}
	if r := verify(t, dir, o); !r.OK() {
		t.Errorf("put right again: got %v", r.Faults)
	}
}

func TestALogOfRubbishIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBook(t, 256*150)
	dir := b.rebuilt(t, func(e [][]byte) [][]byte {
		for i := 300; i < len(e); i++ {
			e[i] = []byte("{}")
		}
		return e
	}).publish(t, t.TempDir())
	r := verify(t, dir, merkle.Options{})
	if first, _ := r.First(); !r.Stopped || first.Position != 300 {
		t.Errorf("got %v, stopped %v; want record 300", first, r.Stopped)
	}
}

// A size that nobody has records for does not keep the verifier busy for ever.
func TestASizeOutOfProportion(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	dir := b.publish(t, t.TempDir())
	c, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: 1 << 60}, b.signers...)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, "checkpoint", func([]byte) []byte { return c.Note })
	r := verify(t, dir, merkle.Options{})
	if first, _ := r.First(); !r.Stopped || first.Position != 256 {
		t.Errorf("got %v; want that record 256 is missing", r.Faults)
	}
}

func TestTilesPastTheCheckpointAreCounted(t *testing.T) {
	t.Parallel()
	b := newBook(t, 500)
	root := t.TempDir()
	before := b.checkpoint(t)
	b.publish(t, root)
	b.grow(t, 500)
	dir := b.publish(t, root)
	edit(t, dir, "checkpoint", func([]byte) []byte { return before.Note })
	if r := verify(t, dir, merkle.Options{}); !r.OK() || r.Beyond == 0 {
		t.Errorf("got %+v; want no fault, and the tiles that the checkpoint does not cover", r)
	}
}

func TestWhatIsNoLog(t *testing.T) {
	t.Parallel()
	_, err := merkle.Verify(t.Context(), merkle.Dir(t.TempDir()), merkle.Options{})
	if fault.Of(err) != fault.NotFound {
		t.Errorf("an empty folder: got %v, want not found", err)
	}
	dir := newBook(t, 3).publish(t, t.TempDir())
	_, err = merkle.Verify(t.Context(), merkle.Dir(dir), merkle.Options{Keys: []string{"nonsense"}})
	if fault.Of(err) != fault.Invalid {
		t.Errorf("a key that is none: got %v, want invalid", err)
	}
	_, err = merkle.Verify(t.Context(), merkle.Dir(dir), merkle.Options{Against: []merkle.Source{merkle.Dir(t.TempDir())}})
	if err == nil {
		t.Error("an older publication that is not there was passed over")
	}
	edit(t, dir, "checkpoint", func([]byte) []byte { return []byte("nonsense") })
	if first, _ := verify(t, dir, merkle.Options{}).First(); first.Position != 0 || first.What == "" {
		t.Errorf("a checkpoint that is none: got %v, want a fault at record 0", first)
	}
}

func TestSomeEntriesOnly(t *testing.T) {
	t.Parallel()
	b := newBook(t, 900)
	dir := b.publish(t, t.TempDir())
	o := merkle.Options{Keys: []string{b.vkey()}}
	positions := []int64{0, 300, 301, 899}
	r, leaves, err := merkle.VerifyEntries(t.Context(), merkle.Dir(dir), o, positions)
	if err != nil || !r.OK() {
		t.Fatalf("got %v, %v", r.Faults, err)
	}
	for i, p := range positions {
		if leaves[i].Object != fmt.Sprint(p) {
			t.Errorf("record %d: got %v", p, leaves[i])
		}
	}
	editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { e[44] = rewritten(t, 300); return e })
	r, leaves, err = merkle.VerifyEntries(t.Context(), merkle.Dir(dir), o, append(positions, 900))
	if err != nil || len(r.Faults) != 2 || r.Faults[0].Position != 300 || r.Faults[1].Position != 900 || leaves[1].ID != "" || leaves[2].ID == "" {
		t.Errorf("got %v, %v, %v; want records 300 and 900 not proven", r.Faults, leaves, err)
	}
	_, other := newKey(t)
	r, _, err = merkle.VerifyEntries(t.Context(), merkle.Dir(dir), merkle.Options{Keys: []string{other}}, nil)
	if first, _ := r.First(); err != nil || first.Position != 0 {
		t.Errorf("another key: got %v, %v; want a fault at record 0", r.Faults, err)
	}
}

func BenchmarkVerify(b *testing.B) {
	const size = 200_000
	bk := newBook(b, size)
	dir := bk.publish(b, b.TempDir())
	b.ResetTimer()
	for range b.N {
		if r := verify(b, dir, merkle.Options{}); !r.OK() {
			b.Fatal(r.Faults)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
}

// Whatever entries and hashes are changed together, the first of them is named, if an
// older publication is there to tell.
func TestTheFirstOfManyChangesIsNamed(t *testing.T) {
	t.Parallel()
	const size = 900
	b := newBook(t, size)
	dir := b.publish(t, t.TempDir())
	older := merkle.Dir(b.publish(t, t.TempDir()))
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		before := files(t, dir)
		first := int64(size)
		for range 1 + rng.IntN(4) {
			at := rng.Int64N(size)
			first = min(first, at)
			width := int(min(merkle.Width, size-at/merkle.Width*merkle.Width))
			what := rng.IntN(3) // the entry, its hash, or both
			if what != 1 {
				name := merkle.Tile{Level: merkle.EntriesLevel, N: at / merkle.Width, Width: width}.Path()
				editBundle(t, dir, name, func(e [][]byte) [][]byte { e[at%merkle.Width] = rewritten(t, int(at)); return e })
			}
			if what != 0 {
				h := merkle.HashEntry(rewritten(t, int(at)))
				name := merkle.Tile{Level: 0, N: at / merkle.Width, Width: width}.Path()
				edit(t, dir, name, func(f []byte) []byte { copy(f[at%merkle.Width*32:], h[:]); return f })
			}
		}
		r := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}, Against: []merkle.Source{older}})
		if got, _ := r.First(); got.Position != first {
			t.Errorf("seed %d: got %v, want record %d", seed, r.Faults, first)
		}
		for name, content := range before {
			edit(t, dir, name, func([]byte) []byte { return []byte(content) })
		}
	}
}
