package merkle

import (
	"context"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Hashes reads the hashes of a log from where they are kept.
type Hashes interface {
	// Tile returns the first width hashes of tile n of a level, so hash i of the
	// result is hash n*256+i of that level: of level 0 the hash of a record, of a
	// level above the one over 256 hashes of the level below. It is asked only for
	// what the size of the log promises, and fails if that is not there.
	Tile(ctx context.Context, level int, n int64, width int) ([]Hash, error)
}

// Node is a hash above level 0, over 256 of the level below. It never changes.
type Node struct {
	Level int
	N     int64
	Hash  Hash
}

// Appended is a log after an append.
type Appended struct {
	Before Hash // the root before: it must be that of the last checkpoint, else the stored hashes were changed
	Size   int64
	Root   Hash
	Nodes  []Node // to be stored beside the leaves, in the same transaction
}

// Append adds leaves to a log of size records. It reads at most 255 hashes per
// level, and keeps nothing.
func Append(ctx context.Context, h Hashes, size int64, leaves []Hash) (Appended, error) {
	e, err := ReadEdge(ctx, h, size)
	if err != nil {
		return Appended{}, err
	}
	a := Appended{Before: e.Root()}
	a.Nodes = e.Append(leaves)
	a.Size, a.Root = e.Size(), e.Root()
	return a, nil
}

// Edge is the right edge of a tree: of every level, the hashes that no complete tile
// covers yet. It is all that appending needs. The zero Edge is that of the empty log.
type Edge struct {
	size   int64
	levels [][]Hash
}

// ReadEdge reads the edge of a log of size records.
func ReadEdge(ctx context.Context, h Hashes, size int64) (*Edge, error) {
	if size < 0 {
		return nil, fmt.Errorf("a log has no %d records", size)
	}
	e := &Edge{size: size}
	for level, count := 0, size; count > 0; level, count = level+1, count>>Height {
		var hashes []Hash
		if width := int(count % Width); width > 0 {
			var err error
			if hashes, err = readTile(ctx, h, level, count>>Height, width); err != nil {
				return nil, err
			}
		}
		e.levels = append(e.levels, append(make([]Hash, 0, Width), hashes...))
	}
	return e, nil
}

// Size is the number of records.
func (e *Edge) Size() int64 { return e.size }

// Append adds leaves, and returns the nodes above level 0 that are complete now.
func (e *Edge) Append(leaves []Hash) []Node {
	var nodes []Node
	for _, leaf := range leaves {
		e.size++
		for level, h := 0, leaf; ; level++ {
			if level == len(e.levels) {
				e.levels = append(e.levels, make([]Hash, 0, Width))
			}
			e.levels[level] = append(e.levels[level], h)
			if len(e.levels[level]) < Width {
				break
			}
			h = perfect(e.levels[level])
			e.levels[level] = e.levels[level][:0]
			nodes = append(nodes, Node{Level: level + 1, N: e.size>>(Height*(level+1)) - 1, Hash: h})
		}
	}
	return nodes
}

// Root is the root of the tree.
func (e *Edge) Root() Hash {
	var root Hash
	empty := true
	// Right to left: the smallest subtree is the last, and each joins what follows it.
	for _, hashes := range e.levels {
		for end, bit := len(hashes), 1; end > 0; bit <<= 1 {
			if end&bit == 0 {
				continue
			}
			left := perfect(hashes[end-bit : end])
			end -= bit
			if empty {
				root, empty = left, false
				continue
			}
			root = tlog.NodeHash(left, root)
		}
	}
	if empty {
		return sha256.Sum256(nil)
	}
	return root
}

// Root is the root that a log had when it counted size records.
func Root(ctx context.Context, h Hashes, size int64) (Hash, error) {
	e, err := ReadEdge(ctx, h, size)
	if err != nil {
		return Hash{}, err
	}
	return e.Root(), nil
}

// ProveRecord proves that a log of size records holds the one at position: RFC 6962,
// section 2.1.1.
func ProveRecord(ctx context.Context, h Hashes, size, position int64) ([]Hash, error) {
	if position < 0 || position >= size {
		return nil, fault.NotFound.New("a log of %d records has none at position %d", size, position)
	}
	return tlog.ProveRecord(size, position, reader(ctx, h))
}

// ProveTree proves that a log of size records begins with the one that counted old:
// RFC 6962, section 2.1.2. Every log begins with the empty one; its proof is empty.
func ProveTree(ctx context.Context, h Hashes, old, size int64) ([]Hash, error) {
	if old < 0 || old > size {
		return nil, fault.NotFound.New("a log of %d records never counted %d", size, old)
	}
	if old == 0 {
		return nil, nil
	}
	return tlog.ProveTree(size, old, reader(ctx, h))
}

// CheckRecord checks a proof of ProveRecord for the entry that hashes to leaf.
func CheckRecord(proof []Hash, size int64, root Hash, position int64, leaf Hash) error {
	return tlog.CheckRecord(proof, size, root, position, leaf)
}

// CheckTree checks a proof of ProveTree.
func CheckTree(proof []Hash, size int64, root Hash, old int64, oldRoot Hash) error {
	if old == 0 && len(proof) == 0 && oldRoot == sha256.Sum256(nil) {
		return nil
	}
	return tlog.CheckTree(proof, size, root, old, oldRoot)
}

func readTile(ctx context.Context, h Hashes, level int, n int64, width int) ([]Hash, error) {
	hashes, err := h.Tile(ctx, level, n, width)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Tile{level, n, width}.Path(), err)
	}
	if len(hashes) != width {
		return nil, fmt.Errorf("reading %s: %d hashes are there", Tile{level, n, width}.Path(), len(hashes))
	}
	return hashes, nil
}

// reader gives tlog the single nodes it asks for.
func reader(ctx context.Context, h Hashes) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) { return readNodes(ctx, h, indexes) })
}

// readNodes reads each tile once, as far as needed.
func readNodes(ctx context.Context, h Hashes, indexes []int64) ([]Hash, error) {
	type place struct {
		level int
		n     int64
	}
	type node struct {
		place
		from, to int
	}
	nodes := make([]node, len(indexes))
	widths := map[place]int{}
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		within := level % Height
		at := place{level / Height, n << within >> Height}
		from := int(n<<within - at.n<<Height)
		nodes[i] = node{at, from, from + 1<<within}
		widths[at] = max(widths[at], nodes[i].to)
	}
	tiles := map[place][]Hash{}
	out := make([]Hash, len(indexes))
	for i, n := range nodes {
		if tiles[n.place] == nil {
			hashes, err := readTile(ctx, h, n.level, n.n, widths[n.place])
			if err != nil {
				return nil, err
			}
			tiles[n.place] = hashes
		}
		out[i] = perfect(tiles[n.place][n.from:n.to])
	}
	return out, nil
}
