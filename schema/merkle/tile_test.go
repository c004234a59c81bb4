package merkle_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/kutse-dev/kutse/schema/merkle"
)

// The paths of c2sp.org/tlog-tiles.
func TestPaths(t *testing.T) {
	t.Parallel()
	for want, tile := range map[string]merkle.Tile{
		"tile/0/000":                       {Level: 0, N: 0, Width: 256},
		"tile/2/001.p/5":                   {Level: 2, N: 1, Width: 5},
		"tile/0/x001/x234/067":             {Level: 0, N: 1234067, Width: 256},
		"tile/entries/x001/x234/067.p/255": {Level: merkle.EntriesLevel, N: 1234067, Width: 255},
	} {
		if got := tile.Path(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, err := merkle.ParsePath(want); err != nil || got != tile {
			t.Errorf("%s: got %v, %v; want %v", want, got, err, tile)
		}
	}
	for _, bad := range []string{
		"", "tile", "tile/0", "tile/8/0/000", "tile/data/000", "tile/entries", "tile/0/0", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/05",
		"tile/-1/000", "tile/8/000", "tile/00/000", "tile/0/x000/000", "tile/0/../000", "/tile/0/000", "tile/0/000/", "checkpoint",
	} {
		if got, err := merkle.ParsePath(bad); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

func TestBundles(t *testing.T) {
	t.Parallel()
	entries := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), merkle.MaxEntry)}
	data, err := merkle.EncodeBundle(entries)
	if err != nil || !bytes.HasPrefix(data, []byte("\x00\x03one\x00\x00\xff\xff")) {
		t.Fatalf("got %.20q, %v", data, err)
	}
	got, err := merkle.DecodeBundle(data, 3)
	if err != nil || !slices.EqualFunc(got, entries, bytes.Equal) {
		t.Errorf("got %.60q, %v; want what was written", got, err)
	}
	for what, bad := range map[string][]byte{"one byte less": data[:len(data)-1], "one more": append(bytes.Clone(data), 0), "two entries": data[:7], "half a length": data[:6]} {
		if _, err := merkle.DecodeBundle(bad, 3); err == nil {
			t.Errorf("%s was read", what)
		}
	}
	if _, err := merkle.EncodeBundle([][]byte{make([]byte, merkle.MaxEntry+1)}); err == nil {
		t.Error("an entry too long was written")
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("tile/entries/x001/x234/067.p/255")
	f.Add("tile/2/001.p/5")
	f.Fuzz(func(t *testing.T, path string) {
		if tile, err := merkle.ParsePath(path); err == nil && tile.Path() != path {
			t.Errorf("%q was read as %v, which is %q", path, tile, tile.Path())
		}
	})
}

func FuzzDecodeBundle(f *testing.F) {
	f.Add([]byte("\x00\x03one\x00\x00"), 2)
	f.Fuzz(func(t *testing.T, data []byte, width int) {
		if width < 0 || width > merkle.Width {
			return
		}
		entries, err := merkle.DecodeBundle(data, width)
		if err != nil {
			return
		}
		again, err := merkle.EncodeBundle(entries)
		if err != nil || len(entries) != width || !bytes.Equal(again, data) {
			t.Errorf("%q was read as %d entries and written as %q, %v", data, len(entries), again, err)
		}
	})
}
