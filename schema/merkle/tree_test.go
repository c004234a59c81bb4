package merkle_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/merkle"
)

// tables keeps what a database would: the leaves, and the nodes that Append gave.
type tables struct {
	leaves []merkle.Hash
	nodes  map[[2]int64]merkle.Hash
	reads  atomic.Int64 // hashes read
}

func newTables() *tables { return &tables{nodes: map[[2]int64]merkle.Hash{}} }

func (s *tables) Tile(_ context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	s.reads.Add(int64(width))
	hashes := make([]merkle.Hash, 0, width)
	for i := n * merkle.Width; i < n*merkle.Width+int64(width); i++ {
		h, ok := s.nodes[[2]int64{int64(level), i}]
		if level == 0 {
			if ok = i < int64(len(s.leaves)); ok {
				h = s.leaves[i]
			}
		}
		if !ok {
			return nil, fmt.Errorf("no hash %d at level %d", i, level)
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}

// append adds leaves as a sealer does, and returns the root.
func (s *tables) append(t testing.TB, leaves []merkle.Hash) merkle.Hash {
	t.Helper()
	a, err := merkle.Append(t.Context(), s, int64(len(s.leaves)), leaves)
	if err != nil {
		t.Fatal(err)
	}
	s.leaves = append(s.leaves, leaves...)
	for _, n := range a.Nodes {
		if _, ok := s.nodes[[2]int64{int64(n.Level), n.N}]; ok || n.Level < 1 {
			t.Fatalf("node %d of level %d was given twice", n.N, n.Level)
		}
		s.nodes[[2]int64{int64(n.Level), n.N}] = n.Hash
	}
	if a.Size != int64(len(s.leaves)) {
		t.Fatalf("got size %d, want %d", a.Size, len(s.leaves))
	}
	return a.Root
}

// reference is the log as tlog itself keeps it.
type reference struct {
	hashes []tlog.Hash
	size   int64
}

func (r *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = r.hashes[index]
	}
	return out, nil
}

func (r *reference) append(t testing.TB, leaf tlog.Hash) {
	t.Helper()
	hashes, err := tlog.StoredHashesForRecordHash(r.size, leaf, r)
	if err != nil {
		t.Fatal(err)
	}
	r.hashes = append(r.hashes, hashes...)
	r.size++
}

func (r *reference) root(t testing.TB, size int64) tlog.Hash {
	t.Helper()
	root, err := tlog.TreeHash(size, r)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// leafHashes are n hashes from number first on, always the same ones.
func leafHashes(first, n int) []merkle.Hash {
	out := make([]merkle.Hash, n)
	for i := range out {
		out[i] = merkle.HashEntry(binary.BigEndian.AppendUint64(nil, uint64(first+i)))
	}
	return out
}

func TestEveryRootIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	ours, theirs := newTables(), &reference{}
	for size := range 620 {
		root, err := merkle.Root(t.Context(), ours, int64(size))
		if err != nil || root != theirs.root(t, int64(size)) {
			t.Fatalf("root at %d: got %v, %v; want %v", size, root, err, theirs.root(t, int64(size)))
		}
		leaf := leafHashes(size, 1)
		if got := ours.append(t, leaf); size >= 0 {
			theirs.append(t, leaf[0])
			if want := theirs.root(t, int64(size+1)); got != want {
				t.Fatalf("root after appending to %d: got %v, want %v", size, got, want)
			}
		}
	}
	for size := range int64(621) { // as the log was, from what is stored now
		if root, err := merkle.Root(t.Context(), ours, size); err != nil || root != theirs.root(t, size) {
			t.Fatalf("root at %d of 620: got %v, %v; want %v", size, root, err, theirs.root(t, size))
		}
	}
}

// Batches of every shape give the same tree, and around the size where a third level
// of tiles begins too.
func TestBatchesGiveTheSameTree(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	const most = 256*256 + 700
	theirs := &reference{}
	for _, leaf := range leafHashes(0, most) {
		theirs.append(t, leaf)
	}
	ours := newTables()
	for len(ours.leaves) < most {
		size := len(ours.leaves)
		n := min(rng.IntN(3000), most-size)
		if size > 256*256-300 {
			n = min(rng.IntN(40), most-size)
		}
		before := ours.reads.Load()
		got := ours.append(t, leafHashes(size, n))
		if want := theirs.root(t, int64(size+n)); got != want {
			t.Fatalf("appending %d to %d: got %v, want %v", n, size, got, want)
		}
		if read := ours.reads.Load() - before; read > 255*3 {
			t.Fatalf("appending %d to %d read %d hashes, want at most 255 a level", n, size, read)
		}
	}
	for range 200 {
		size := 1 + rng.Int64N(most)
		position, old := rng.Int64N(size), 1+rng.Int64N(size)
		checkProofs(t, ours, theirs, size, position, old)
	}
	for _, size := range []int64{256*256 - 1, 256 * 256, 256*256 + 1, most} {
		for _, old := range []int64{1, 255, 256, 257, 256*256 - 1} {
			checkProofs(t, ours, theirs, size, old-1, old)
		}
	}
}

func TestEveryProofIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	ours, theirs := newTables(), &reference{}
	ours.append(t, leafHashes(0, 600))
	for _, leaf := range ours.leaves {
		theirs.append(t, leaf)
	}
	for size := int64(1); size <= 600; size += 1 + size/40 {
		for position := int64(0); position < size; position += 1 + size/50 {
			checkProofs(t, ours, theirs, size, position, position+1)
		}
	}
}

func checkProofs(t *testing.T, ours *tables, theirs *reference, size, position, old int64) {
	t.Helper()
	got, err := merkle.ProveRecord(t.Context(), ours, size, position)
	want, err2 := tlog.ProveRecord(size, position, theirs)
	if err != nil || err2 != nil || !slices.Equal(got, want) {
		t.Fatalf("record %d of %d: got %v, %v; want %v, %v", position, size, got, err, want, err2)
	}
	if err := merkle.CheckRecord(got, size, theirs.root(t, size), position, ours.leaves[position]); err != nil {
		t.Fatalf("record %d of %d: %v", position, size, err)
	}
	tree, err := merkle.ProveTree(t.Context(), ours, old, size)
	wantTree, err2 := tlog.ProveTree(size, old, theirs)
	if err != nil || err2 != nil || !slices.Equal(tree, wantTree) {
		t.Fatalf("%d in %d: got %v, %v; want %v, %v", old, size, tree, err, wantTree, err2)
	}
	if err := merkle.CheckTree(tree, size, theirs.root(t, size), old, theirs.root(t, old)); err != nil {
		t.Fatalf("%d in %d: %v", old, size, err)
	}
}

// Append says what the root was, so that a hash changed in the tables is noticed
// before anything is signed on top of it.
func TestAChangedNodeShowsInTheRootBefore(t *testing.T) {
	t.Parallel()
	s := newTables()
	root := s.append(t, leafHashes(0, 700))
	s.nodes[[2]int64{1, 1}] = merkle.Hash{1}
	a, err := merkle.Append(t.Context(), s, 700, leafHashes(700, 1))
	if err != nil || a.Before == root {
		t.Errorf("got %v, %v; want another root than %v", a.Before, err, root)
	}
}

func TestAMissingHashIsAnError(t *testing.T) {
	t.Parallel()
	s := newTables()
	s.append(t, leafHashes(0, 700))
	delete(s.nodes, [2]int64{1, 1})
	if a, err := merkle.Append(t.Context(), s, 700, leafHashes(700, 1)); err == nil {
		t.Errorf("got %v, want an error", a)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			s := newTables()
			s.append(b, leafHashes(0, 100_000))
			leaves := leafHashes(100_000, batch)
			b.ResetTimer()
			for range b.N {
				if _, err := merkle.Append(b.Context(), s, 100_000, leaves); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "leaves/s")
		})
	}
}
