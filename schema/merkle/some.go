package merkle

import (
	"context"
	"errors"
	"fmt"

	"github.com/kutse-dev/kutse/schema/fault"
)

// VerifyEntries checks the records at some positions only, those of one case say:
// that a trusted key signed the checkpoint and that its tree holds each of the
// entries. It reads the files that this takes and no more; Against, Checkpoints and
// Progress of the options are not used. The leaves come in the order of the
// positions; one that is not proven is the zero Leaf, with a fault in the report.
func VerifyEntries(ctx context.Context, src Source, o Options, positions []int64) (Report, []Leaf, error) {
	leaves := make([]Leaf, len(positions))
	v, err := begin(ctx, src, Options{Keys: o.Keys})
	if err != nil || v.unreadable {
		return v.report, leaves, err
	}
	h := Remember(HashesOf(src, v.c.Size))
	for i, position := range positions {
		leaf, err := v.verifyEntry(ctx, h, position)
		switch {
		case err == nil:
			leaves[i] = leaf
		case absent(err) || errors.Is(err, fault.NotFound):
			v.fault(position, "record %d is not proven: %v", position, err)
		default:
			return v.report, leaves, err
		}
	}
	v.judgeKey()
	v.report.sort()
	return v.report, leaves, nil
}

func (v *verification) verifyEntry(ctx context.Context, h Hashes, position int64) (Leaf, error) {
	path, err := ProveRecord(ctx, h, v.c.Size, position)
	if err != nil {
		return Leaf{}, err
	}
	n, i := position>>Height, int(position%Width)
	entries, err := readEntriesOf(ctx, v.src, n, int(min(Width, v.c.Size-n<<Height)))
	if i >= len(entries) {
		if err == nil {
			err = fault.Invalid.New("its bundle ends before it")
		}
		return Leaf{}, fmt.Errorf("reading it: %w", err)
	}
	if err := CheckRecord(path, v.c.Size, v.c.Root, position, HashEntry(entries[i])); err != nil {
		return Leaf{}, fault.Invalid.New("the root that was signed does not follow from it")
	}
	leaf, err := ParseEntry(entries[i])
	if err == nil && leaf.Time.Year() != v.year {
		err = fault.Invalid.New("it is of %d, in the log of %d", leaf.Time.Year(), v.year)
	}
	return leaf, err
}

// Remember keeps the tiles of a log that were read: proofs share most of them. It is
// for one use, by one goroutine.
func Remember(h Hashes) Hashes { return &remembered{Hashes: h, tiles: map[Tile][]Hash{}} }

type remembered struct {
	Hashes
	tiles map[Tile][]Hash
}

// Tile implements Hashes.
func (r *remembered) Tile(ctx context.Context, level int, n int64, width int) ([]Hash, error) {
	at := Tile{Level: level, N: n}
	if have := r.tiles[at]; len(have) >= width {
		return have[:width], nil
	}
	hashes, err := r.Hashes.Tile(ctx, level, n, width)
	if err == nil {
		r.tiles[at] = hashes
	}
	return hashes, err
}
