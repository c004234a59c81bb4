package merkle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// old is a checkpoint that somebody kept, and the publication it came with if any.
type old struct {
	Checkpoint
	src  Source // nil for a single checkpoint
	what string
}

// verified reads the hashes of the log under verification as they follow from its
// entries.
type verified struct{ *verification }

// Tile implements Hashes.
func (v verified) Tile(ctx context.Context, level int, n int64, width int) ([]Hash, error) {
	if level > 0 {
		return v.levels[level][n<<Height:][:width], nil
	}
	b := v.readBundle(ctx, n)
	switch {
	case b.err != nil:
		return nil, b.err
	case len(b.entries) >= width:
		return b.entries[:width], nil
	case len(b.tile) >= width:
		return b.tile[:width], nil
	}
	return nil, fmt.Errorf("records after %d are missing", n<<Height+int64(len(b.entries)))
}

// compareAll holds the log to every older checkpoint.
func (v *verification) compareAll(ctx context.Context) error {
	if err := v.soundness(ctx); err != nil {
		return err
	}
	slices.SortStableFunc(v.olds, func(a, b old) int { return cmp.Compare(a.Size, b.Size) })
	exact := int64(-1) // the first record that a publication names
	first := -1        // the first single checkpoint that does not agree
	for i, o := range v.olds {
		agrees, told, err := v.agrees(ctx, o)
		if err != nil {
			return err
		}
		if agrees {
			v.agreed = max(v.agreed, o.Size)
			continue
		}
		v.forked = v.forked || told
		if o.src == nil {
			if first < 0 && told && o.Size <= v.c.Size {
				first = i
			}
			continue
		}
		at, err := v.differsFrom(ctx, o)
		if err != nil {
			return err
		}
		if at >= 0 && (exact < 0 || at < exact) {
			exact = at
		}
	}
	v.truncated()
	if err := v.narrow(ctx); err != nil {
		return err
	}
	if first >= 0 && (exact < 0 || exact >= v.olds[first].Size) {
		o := v.olds[first]
		v.fault(v.agreed, "of records %d to %d, one or more are not those that %s counts", v.agreed, o.Size-1, o.what)
	}
	return nil
}

// soundness leaves only the checkpoint of an older publication whose hashes do not
// give the root that was signed.
func (v *verification) soundness(ctx context.Context) error {
	for i, o := range v.olds {
		if o.src == nil {
			continue
		}
		root, err := Root(ctx, HashesOf(o.src, o.Size), o.Size)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil || root != o.Root {
			v.fault(-1, "%s is damaged itself and cannot tell which record differs", o.what)
			v.olds[i].src = nil
		}
	}
	return nil
}

// narrow puts the record that older publications name in place of a range of them.
func (v *verification) narrow(ctx context.Context) error {
	for i, f := range v.report.Faults {
		if f.Position < 0 || f.to <= f.Position || i > maxFaults {
			continue
		}
		for _, o := range v.olds {
			if o.src == nil {
				continue
			}
			at, err := v.firstUnlike(ctx, o, f.Position, f.to)
			if err != nil {
				return err
			}
			if at >= 0 {
				v.report.Faults[i] = Fault{Position: at, What: fmt.Sprintf("record %d is another one in %s", at, o.what)}
				break
			}
		}
	}
	return nil
}

// firstUnlike is the first record from one position up to another that is another one
// in an older publication; -1 if that names none. It goes by the entries, while
// difference goes by the tree: an entry may have been changed below hashes that are
// still those that were signed.
func (v *verification) firstUnlike(ctx context.Context, o old, from, to int64) (int64, error) {
	theirs := &remembered{HashesOf(o.src, o.Size), map[Tile][]Hash{}}
	end := min(to+1, o.Size, v.known)
	for n := from >> Height; n<<Height < end; n++ {
		width := int(min(Width, end-n<<Height))
		if width == Width {
			i := int(n % Width)
			above, err := theirs.Tile(ctx, 1, n>>Height, i+1)
			if err == nil && above[i] == v.levels[1][n] {
				continue
			}
		}
		i, err := unlike(ctx, verified{v}, theirs, Tile{0, n, width})
		if err != nil {
			return -1, ctx.Err() // a file is missing, and that is said where it is ours
		}
		if i >= 0 {
			return n<<Height + int64(i), nil
		}
	}
	return -1, nil
}

// agrees says whether the log goes on from an older checkpoint. What is larger than
// the log does not. Where records are missing or were not read, it cannot be told;
// that they are is said elsewhere.
func (v *verification) agrees(ctx context.Context, o old) (agrees, told bool, err error) {
	if o.Size > v.c.Size {
		return false, true, nil
	}
	if o.Size > v.known {
		return false, false, nil
	}
	root, err := Root(ctx, verified{v}, o.Size)
	if err != nil {
		return false, false, ctx.Err()
	}
	return root == o.Root, true, nil
}

// truncated says what the largest older checkpoint counts and this log does not.
func (v *verification) truncated() {
	if len(v.olds) == 0 {
		return
	}
	if o := v.olds[len(v.olds)-1]; o.Size > v.c.Size {
		v.fault(v.c.Size, "%s counts %d, this log %d: record %d is missing", o.what, o.Size, v.c.Size, v.c.Size)
	}
}

// differsFrom finds the first record that is another one in an older publication; -1
// if that cannot be told.
func (v *verification) differsFrom(ctx context.Context, o old) (int64, error) {
	at, sure, err := difference(ctx, verified{v}, HashesOf(o.src, o.Size), min(o.Size, v.known))
	switch {
	case err != nil:
		return -1, ctx.Err() // a file is missing, and that is said where it is ours
	case at < 0:
		return -1, nil // cut off, but not changed
	case !sure:
		v.fault(at, "from record %d on, %s holds another log", at, o.what)
	default:
		v.fault(at, "record %d is another one in %s", at, o.what)
	}
	return at, nil
}
