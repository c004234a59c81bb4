package merkle

import "context"

// difference is the position of the first record in which two logs differ within
// their first size records; -1 if they do not. It reads down from the top, a tile a
// level. Where both logs have the same records below hashes that differ, it is the
// first record below those, and sure is false: one of the two contradicts itself.
func difference(ctx context.Context, a, b Hashes, size int64) (position int64, sure bool, err error) {
	top := 0
	for size>>(Height*(top+1)) > 0 {
		top++
	}
	// The right edge, left to right: what no complete tile covers, the highest first.
	for level := top; level >= 0; level-- {
		count := size >> (Height * level)
		t := Tile{level, count >> Height, int(count % Width)}
		if t.Width == 0 {
			continue
		}
		i, err := unlike(ctx, a, b, t)
		if err != nil {
			return 0, false, err
		}
		if i >= 0 {
			return descend(ctx, a, b, t, i)
		}
	}
	return -1, true, nil
}

// descend looks below hash i of a tile, in which the logs differ.
func descend(ctx context.Context, a, b Hashes, t Tile, i int) (int64, bool, error) {
	for t.Level > 0 {
		below := Tile{t.Level - 1, t.N<<Height + int64(i), Width}
		next, err := unlike(ctx, a, b, below)
		if err != nil {
			return 0, false, err
		}
		if next < 0 {
			return t.first(i), false, nil
		}
		t, i = below, next
	}
	return t.first(i), true, nil
}

// unlike is the first hash of a tile in which the logs differ; -1 for none.
func unlike(ctx context.Context, a, b Hashes, t Tile) (int, error) {
	x, err := readTile(ctx, a, t.Level, t.N, t.Width)
	if err != nil {
		return 0, err
	}
	y, err := readTile(ctx, b, t.Level, t.N, t.Width)
	if err != nil {
		return 0, err
	}
	for i := range x {
		if x[i] != y[i] {
			return i, nil
		}
	}
	return -1, nil
}

// rootOf folds the hashes of a right edge, from level 0 up.
func rootOf(edge [][]Hash) Hash { return (&Edge{levels: edge}).Root() }
