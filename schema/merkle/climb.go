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

// climb holds each level of hashes to the one below it, and the root to them all.
//
// At every place it has what follows from below and what is stored. Where they
// differ, the one that fits what is stored above goes on upwards, and the other was
// changed: so a changed record is told from a changed hash.
func (v *verification) climb(ctx context.Context) error {
	own, kept := &edges{}, &edges{} // the right edge by what was computed, and by what is stored
	// alternative is what level n was stored to be, where that differs from levels[n].
	alternative, doubts := v.bundlesInDoubt(own, kept)
	for level := 1; len(v.levels[level]) > 0; level++ {
		v.levels = append(v.levels, nil)
		above := map[int64]Hash{}
		aboveDoubts := map[int64][]doubt{}
		for n := int64(0); n<<Height < int64(len(v.levels[level])); n++ {
			computed := v.levels[level][n<<Height : min((n+1)<<Height, int64(len(v.levels[level])))]
			t := Tile{level, n, len(computed)}
			if v.report.Stopped && len(computed) < Width {
				break // the tile is wider than what was read
			}
			stored, err := v.storedTile(ctx, t, computed)
			if err != nil {
				return err
			}
			for i, h := range stored {
				at := n<<Height + int64(i)
				other, differs := alternative[at]
				fits := computed[i] == h
				storedFits := differs && other == h || computed[i] == Hash{}
				v.settle(doubts[at], storedFits, fits)
				delete(doubts, at)
				switch {
				case fits:
				case storedFits:
					computed[i] = h
				default:
					aboveDoubts[n] = append(aboveDoubts[n], doubtful(t, i))
				}
			}
			doubtsOfTile := aboveDoubts[n]
			if len(computed) < Width {
				own.set(level, computed)
				kept.set(level, stored)
				own.doubts = append(own.doubts, doubtsOfTile...)
				continue
			}
			c, s := perfect(computed), perfect(stored)
			v.levels[level+1] = append(v.levels[level+1], c)
			if c != s {
				above[n] = s
			}
		}
		for _, unseen := range doubts { // the level above was not read so far
			v.settle(unseen, false, false)
		}
		alternative, doubts = above, aboveDoubts
	}
	v.judgeRoot(own, kept)
	return nil
}

// edges is a right edge, and what is in doubt on it.
type edges struct {
	levels [][]Hash
	doubts []doubt
	// lacking: neither entries nor hashes are there for a part of it.
	lacking bool
}

func (e *edges) set(level int, hashes []Hash) {
	for len(e.levels) <= level {
		e.levels = append(e.levels, nil)
	}
	e.levels[level] = hashes
}

// bundlesInDoubt gives, of the bundles where something is wrong, what the tiles say,
// and what is to be settled above; and sets level 0 of the right edges.
func (v *verification) bundlesInDoubt(own, kept *edges) (map[int64]Hash, map[int64][]doubt) {
	alternative, doubts := map[int64]Hash{}, map[int64][]doubt{}
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
			v.edgeOfBundle(b, own, kept)
			own.doubts = append(own.doubts, list...)
			continue
		}
		doubts[n] = list
		if b.tile != nil {
			if t := perfect(b.tile); t != b.own() {
				alternative[n] = t
			}
		}
	}
	return alternative, doubts
}

func (v *verification) edgeOfBundle(b *bundle, own, kept *edges) {
	computed, stored := b.entries, b.tile
	if len(computed) < b.width {
		computed = stored
	}
	if stored == nil {
		stored = computed
	}
	own.lacking = computed == nil
	own.set(0, computed)
	kept.set(0, stored)
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
func (v *verification) judgeRoot(own, kept *edges) {
	if v.report.Stopped {
		v.settle(own.doubts, false, false)
		return
	}
	if own.lacking {
		v.settle(own.doubts, false, false)
		return // records are missing, and that is said
	}
	computedFits := rootOf(own.levels) == v.c.Root
	storedFits := rootOf(kept.levels) == v.c.Root
	v.settle(own.doubts, storedFits, computedFits)
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
