package merkle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/fault"
)

// bundlesAtOnce is how many bundles of entries are asked for in one go.
const bundlesAtOnce = 16

// writersAtOnce is how many files are written side by side: each waits for the disk.
const writersAtOnce = 8

// Reader reads a log from where it is kept, to publish it.
type Reader interface {
	Hashes
	// Entries returns the entries at positions from up to and without to, each as it
	// was when its hash was taken.
	Entries(ctx context.Context, from, to int64) ([][]byte, error)
}

// Publication is what goes out beside the entries and hashes.
type Publication struct {
	Checkpoint []byte // signed by one of Keys; cosignatures may follow
	Keys       []Key  // oldest first
}

// Outcome says what Publish did.
type Outcome struct {
	Year  int
	Size  int64
	Files int // written; 0 when everything was there
}

// Publish brings <dir>/<year> up to a checkpoint, and the checkpoint last, so that
// whoever reads it at any moment finds a whole log. It writes what came since the
// checkpoint that is there; without one, it looks at every file. Done twice, or
// again after a crash at any line, it does no harm. One process at a time may
// publish to a folder.
//
// A log only grows: Conflict, with the record it is about, when this one would take
// back or change what the folder holds, or when an entry is no longer the one whose
// hash was taken. Then nothing is overwritten: the folder bears witness.
func Publish(ctx context.Context, dir string, from Reader, p Publication) (Outcome, error) {
	var vkeys []string
	for _, k := range p.Keys {
		vkeys = append(vkeys, k.VKey)
	}
	c, err := OpenCheckpoint(p.Checkpoint, vkeys)
	if err != nil {
		return Outcome{}, fmt.Errorf("publishing: %w", err)
	}
	_, year, err := ParseOrigin(c.Origin)
	if err != nil {
		return Outcome{}, fmt.Errorf("publishing: %w", err)
	}
	name := fmt.Sprintf("%04d", year)
	w := &publisher{dir: filepath.Join(dir, name), from: from, to: c, nodes: map[Tile]Hash{}}
	if err := w.publish(ctx, p.Keys); err != nil {
		return Outcome{}, fmt.Errorf("publishing %s: %w", c.Origin, err)
	}
	if err := addYear(dir, name); err != nil {
		return Outcome{}, fmt.Errorf("publishing %s: %w", c.Origin, err)
	}
	return Outcome{Year: year, Size: c.Size, Files: w.files}, nil
}

type publisher struct {
	dir   string
	from  Reader
	to    Checkpoint
	files int
	// unsynced are files that a power cut may still take.
	unsynced []string
	nodes    map[Tile]Hash // over each tile that was written whole, by that tile
}

func (w *publisher) publish(ctx context.Context, keys []Key) error {
	old, err := w.before(ctx)
	if err != nil {
		return err
	}
	root, err := Root(ctx, w.from, w.to.Size)
	if err != nil {
		return err
	}
	if root != w.to.Root {
		return fault.Conflict.New("the hashes that are kept are not those that were signed at %d records", w.to.Size)
	}
	tiles := tlog.NewTiles(Height, old.Size, w.to.Size)
	if err := w.writeEntries(ctx, tiles); err != nil {
		return err
	}
	if err := w.writeHashes(ctx, tiles); err != nil {
		return err
	}
	if err := w.writeKeys(keys); err != nil {
		return err
	}
	return w.finish(old, tiles)
}

// finish sees to it that the disk has what was written, and only then writes the
// checkpoint that counts it.
func (w *publisher) finish(old Checkpoint, tiles []tlog.Tile) error {
	if err := syncFiles(w.unsynced); err != nil {
		return err
	}
	if !bytes.Equal(old.Note, w.to.Note) {
		w.files++
		if err := writeFile(filepath.Join(w.dir, checkpointFile), w.to.Note); err != nil {
			return err
		}
	}
	return w.dropPartial(tiles)
}

// dropPartial removes the partial tiles that complete ones have taken the place of:
// readers of an older checkpoint find the whole one.
func (w *publisher) dropPartial(tiles []tlog.Tile) error {
	for _, t := range tiles {
		if t.W < Width {
			continue
		}
		levels := []int{t.L}
		if t.L == 0 { // its entries lie beside it
			levels = append(levels, EntriesLevel)
		}
		for _, level := range levels {
			if err := os.RemoveAll(w.path(Tile{level, t.N, Width}.Path() + ".p")); err != nil {
				return err
			}
		}
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *publisher) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// before is the checkpoint that is there; the zero one if none is. The log must go
// on from it.
func (w *publisher) before(ctx context.Context) (Checkpoint, error) {
	note, err := os.ReadFile(filepath.Join(w.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, err
	}
	old, err := ParseCheckpoint(note)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint that is there: %w", err)
	}
	if old.Origin != w.to.Origin {
		return Checkpoint{}, fault.Conflict.New("the folder holds the log %s", old.Origin)
	}
	if old.Size > w.to.Size {
		return Checkpoint{}, fault.Conflict.New("%d records are published and this log has %d: record %d would be taken back", old.Size, w.to.Size, w.to.Size)
	}
	root, err := Root(ctx, w.from, old.Size)
	if err != nil {
		return Checkpoint{}, err
	}
	if root == old.Root {
		return old, nil
	}
	position, _, err := difference(ctx, w.from, HashesOf(Dir(w.dir), old.Size), old.Size)
	if err != nil {
		return Checkpoint{}, fault.Conflict.Because(err, "the %d records that are published are not the beginning of this log", old.Size)
	}
	return Checkpoint{}, fault.Conflict.New("record %d is published, and is another one in this log", max(position, 0))
}

// writeEntries writes the bundles that belong to the tiles of level 0.
func (w *publisher) writeEntries(ctx context.Context, tiles []tlog.Tile) error {
	leaves := slices.DeleteFunc(slices.Clone(tiles), func(t tlog.Tile) bool { return t.L > 0 })
	for group := range slices.Chunk(leaves, bundlesAtOnce) {
		first, last := group[0], group[len(group)-1]
		start, end := first.N<<Height, last.N<<Height+int64(last.W)
		entries, err := w.from.Entries(ctx, start, end)
		if err != nil {
			return fmt.Errorf("reading records %d to %d: %w", start, end-1, err)
		}
		if int64(len(entries)) > end-start {
			return fmt.Errorf("reading records %d to %d: %d came", start, end-1, len(entries))
		}
		var files []file
		for _, t := range group {
			from := min(int(t.N<<Height-start), len(entries))
			bundle := entries[from:min(from+t.W, len(entries))]
			if err := w.check(ctx, t, bundle); err != nil {
				return err
			}
			data, err := EncodeBundle(bundle)
			if err != nil {
				return err
			}
			files = append(files, file{Tile{EntriesLevel, t.N, t.W}, data})
		}
		if err := w.write(files); err != nil {
			return err
		}
	}
	return nil
}

// check says whether entries are those whose hashes the log holds.
func (w *publisher) check(ctx context.Context, t tlog.Tile, entries [][]byte) error {
	hashes, err := readTile(ctx, w.from, 0, t.N, t.W)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if HashEntry(e) != hashes[i] {
			return fault.Conflict.New("record %d is no longer what it was when it was sealed", t.N<<Height+int64(i))
		}
	}
	if len(entries) < t.W {
		return fault.Conflict.New("record %d is no longer there", t.N<<Height+int64(len(entries)))
	}
	return nil
}

// writeHashes writes tiles of hashes from level 0 up, and holds each level to the
// one below it.
func (w *publisher) writeHashes(ctx context.Context, tiles []tlog.Tile) error {
	for group := range slices.Chunk(tiles, bundlesAtOnce) {
		var files []file
		for _, t := range group {
			tile := Tile{t.L, t.N, t.W}
			hashes, err := readTile(ctx, w.from, t.L, t.N, t.W)
			if err != nil {
				return err
			}
			for i, h := range hashes {
				below := Tile{t.L - 1, t.N<<Height + int64(i), Width}
				if want, ok := w.nodes[below]; ok && h != want {
					return fault.Conflict.New("the hash over records %d to %d is not what they give", tile.first(i), tile.first(i+1)-1)
				}
			}
			if t.W == Width {
				w.nodes[tile] = perfect(hashes)
			}
			files = append(files, file{tile, encodeHashes(hashes)})
		}
		if err := w.write(files); err != nil {
			return err
		}
	}
	return nil
}

type file struct {
	tile Tile
	data []byte
}

// write writes what is not there, and refuses to change what is.
func (w *publisher) write(files []file) error {
	errs := make([]error, len(files))
	written := make([]bool, len(files))
	parallel(len(files), writersAtOnce, func(i int) {
		written[i], errs[i] = w.writeTile(files[i])
	})
	for i, done := range written {
		w.files += b2i(done)
		if done {
			for name := w.path(files[i].tile.Path()); name != w.dir; name = filepath.Dir(name) {
				w.unsynced = append(w.unsynced, name)
			}
		}
	}
	return errors.Join(errs...)
}

func (w *publisher) writeTile(f file) (bool, error) {
	name := w.path(f.tile.Path())
	there, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, placeFile(name, f.data)
	case err != nil:
		return false, err
	case bytes.Equal(there, f.data):
		return false, nil
	case torn(there, f.data):
		return true, placeFile(name, f.data)
	}
	return false, fault.Conflict.New("%s is published already, and differs from record %d on", f.tile.Path(), f.tile.first(f.differs(there)))
}

// differs is the first hash or entry that is another one there.
func (f file) differs(there []byte) int {
	if f.tile.Level >= 0 {
		i := 0
		for i < min(len(there), len(f.data)) && there[i] == f.data[i] {
			i++
		}
		return i / tlog.HashSize
	}
	ours, _ := cutBundle(f.data, f.tile.Width)
	theirs, _ := cutBundle(there, f.tile.Width)
	i := 0
	for i < min(len(ours), len(theirs)) && bytes.Equal(ours[i], theirs[i]) {
		i++
	}
	return i
}

// writeKeys writes the keys and what introduces them. A key is never taken back.
func (w *publisher) writeKeys(keys []Key) error {
	text, err := encodeKeys(keys)
	if err != nil {
		return err
	}
	name := filepath.Join(w.dir, keysFile)
	there, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.HasPrefix(text, there) {
		return fault.Conflict.New("other keys are published for this log than those that it is said to have")
	}
	for _, k := range keys[1:] {
		c, err := ParseCheckpoint(k.Transition)
		if err != nil {
			return err
		}
		if err := w.writeOnce(transitionFile(c.Size), k.Transition); err != nil {
			return err
		}
	}
	if len(text) == len(there) {
		return nil
	}
	w.files++
	return writeFile(name, text)
}

func (w *publisher) writeOnce(name string, data []byte) error {
	there, err := os.ReadFile(w.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.files++
		return writeFile(w.path(name), data)
	case err != nil:
		return err
	case !bytes.Equal(there, data):
		return fault.Conflict.New("%s is published already, and is another one", name)
	}
	return nil
}

// addYear adds a year to the list of what is published in dir.
func addYear(dir, year string) error {
	name := filepath.Join(dir, logsFile)
	there, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	years := strings.Fields(string(there))
	if slices.Contains(years, year) {
		return nil
	}
	years = append(years, year)
	slices.Sort(years)
	return writeFile(name, []byte(strings.Join(years, "\n")+"\n"))
}
