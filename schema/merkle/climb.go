package merkle

import (
	"context"
	"fmt"
)

// doubt is a place where what was computed from below and what is stored differ.
// Which of the two is what was signed, the level above knows.
type doubt struct {
	position int64
	to       int64  // last record below it, where that is not the same
	stored   string // said if what is stored fits the level above
	computed string // said if what was computed does
	neither  string
}

// settle turns doubts into faults.
func (v *verification) settle(doubts []doubt, storedFits, computedFits bool) {
	for _, d := range doubts {
		f := Fault{Position: d.position, What: d.neither, to: d.to}
		switch {
		case computedFits:
			f.What, f.to = d.computed, 0 // no record is in question
		case storedFits:
			f.What = d.stored
		}
		v.report.Faults = append(v.report.Faults, f)
	}
}

// level is what a level of tiles gives to the hashes above it.
type level struct {
	// alternative is what a tile as it is stored gives, where that is not what was
	// computed.
	alternative map[int64]Hash
	doubts      map[int64][]doubt // by tile
}

func newLevel() level { return level{map[int64]Hash{}, map[int64][]doubt{}} }

// edge is the right edge of the tree, by what was computed and by what is stored, and
// what is in doubt on it.
type edge struct {
	computed, stored [][]Hash
	doubts           []doubt
	// lacking: for a part of it neither entries nor hashes are there.
	lacking bool
}

func (e *edge) set(level int, computed, stored []Hash) {
	for len(e.computed) <= level {
		e.computed, e.stored = append(e.computed, nil), append(e.stored, nil)
	}
	e.computed[level], e.stored[level] = computed, stored
}

// climb holds each level of hashes to the one below it, and the root to them all.
//
// At every place it has what follows from below and what is stored. Where they
// differ, the one that fits what is stored above goes on upwards, and the other was
// changed: so a changed record is told from a changed hash.
func (v *verification) climb(ctx context.Context) error {
	var right edge
	below := v.bundlesInDoubt(&right)
	for l := 1; len(v.levels[l]) > 0; l++ {
		v.levels = append(v.levels, nil)
		above, err := v.hold(ctx, l, below, &right)
		if err != nil {
			return err
		}
		below = above
	}
	v.judgeRoot(right)
	return nil
}

// hold holds the tiles of a level to what is below them.
func (v *verification) hold(ctx context.Context, l int, below level, right *edge) (level, error) {
	above := newLevel()
	hashes := v.levels[l]
	for n := int64(0); n<<Height < int64(len(hashes)); n++ {
		computed := hashes[n<<Height : min((n+1)<<Height, int64(len(hashes)))]
		if v.report.Stopped && len(computed) < Width {
			break // the tile is wider than what was read
		}
		t := Tile{l, n, len(computed)}
		stored, err := v.storedTile(ctx, t, computed)
		if err != nil {
			return level{}, err
		}
		doubts := v.holdTile(t, computed, stored, below)
		if len(computed) < Width {
			right.set(l, computed, stored)
			right.doubts = append(right.doubts, doubts...)
			continue
		}
		above.doubts[n] = doubts
		c, s := perfect(computed), perfect(stored)
		v.levels[l+1] = append(v.levels[l+1], c)
		if c != s {
			above.alternative[n] = s
		}
	}
	for _, doubts := range below.doubts { // the tile above them was not read
		v.settle(doubts, false, false)
	}
	return above, nil
}

// holdTile settles what was in doubt below a tile, and returns what is in doubt in it.
// Where what is stored is right, it puts that in place of what was computed.
func (v *verification) holdTile(t Tile, computed, stored []Hash, below level) []doubt {
	var doubts []doubt
	for i, h := range stored {
		at := t.N<<Height + int64(i)
		other, differs := below.alternative[at]
		computedFits := computed[i] == h
		storedFits := differs && other == h || computed[i] == Hash{}
		v.settle(below.doubts[at], storedFits, computedFits)
		delete(below.doubts, at)
		switch {
		case computedFits:
		case storedFits:
			computed[i] = h
		default:
			doubts = append(doubts, doubtful(t, i))
		}
	}
	return doubts
}

// bundlesInDoubt gives what level 0 gives to the one above, and sets level 0 of the
// right edge. What is wrong whatever is above becomes a fault.
func (v *verification) bundlesInDoubt(right *edge) level {
	l := newLevel()
	for n, b := range v.odd {
		var list []doubt
		switch {
		case b.at >= 0 && b.unlike:
			d := doubt{position: b.at, neither: b.what}
			d.stored = b.what + ": it was changed after it was sealed"
			d.computed = d.stored // with too few entries, what was computed is the tile
			if len(b.entries) == b.width {
				d.computed = b.what + ": the hash in " + Tile{0, n, b.width}.Path() + " was changed, the record was not"
			}
			list = append(list, d)
		case b.at >= 0:
			v.fault(b.at, "%s", b.what)
		}
		if b.width < Width {
			v.edgeOfBundle(b, right)
			right.doubts = append(right.doubts, list...)
			continue
		}
		l.doubts[n] = list
		if b.tile != nil {
			if t := perfect(b.tile); t != b.own() {
				l.alternative[n] = t
			}
		}
	}
	return l
}

func (v *verification) edgeOfBundle(b *bundle, right *edge) {
	computed, stored := b.entries, b.tile
	if len(computed) < b.width {
		computed = stored
	}
	if stored == nil {
		stored = computed
	}
	right.lacking = computed == nil
	right.set(0, computed, stored)
}

// storedTile reads a tile of hashes; if it is missing, that is a fault, and what was
// computed stands for it.
func (v *verification) storedTile(ctx context.Context, t Tile, computed []Hash) ([]Hash, error) {
	stored, err := tiles{v.src}.Tile(ctx, t.Level, t.N, t.Width)
	switch {
	case err == nil:
		return stored, nil
	case absent(err):
		v.fault(t.first(0), "the hashes over records %d to %d are missing: there is no whole %s", t.first(0), t.first(t.Width)-1, t.Path())
		return computed, nil
	}
	return nil, err
}

func doubtful(t Tile, i int) doubt {
	from, to := t.first(i), t.first(i+1)-1
	d := doubt{position: from, to: to}
	d.stored = fmt.Sprintf("of records %d to %d, one or more were changed after they were sealed, with their hashes", from, to)
	d.computed = fmt.Sprintf("the hash over records %d to %d in %s was changed, the records were not", from, to, t.Path())
	d.neither = fmt.Sprintf("records %d to %d do not give the hash over them in %s", from, to, t.Path())
	return d
}

// judgeRoot holds the right edge to the signed root.
func (v *verification) judgeRoot(right edge) {
	if v.report.Stopped || right.lacking {
		v.settle(right.doubts, false, false)
		return // records were not read or are missing, and that is said
	}
	computedFits := rootOf(right.computed) == v.c.Root
	storedFits := rootOf(right.stored) == v.c.Root
	v.settle(right.doubts, storedFits, computedFits)
	switch {
	case computedFits || storedFits:
	case len(v.report.Faults) > 0:
		v.fault(-1, "the root that was signed does not follow from the records")
	default:
		v.report.Faults = append(v.report.Faults, Fault{
			What: fmt.Sprintf("of records 0 to %d, one or more are not those that were signed, and their hashes were changed with them: an older publication tells which", v.c.Size-1),
			to:   v.c.Size - 1,
		})
	}
}
