package merkle

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"runtime"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/fault"
)

const (
	// maxFaults is after how many bundles with faults the rest is not read: by then
	// the first wrong record is known.
	maxFaults = 100
	// batch is how many bundles are read before their results are gathered.
	batch = Width
	// readersAtOnce is how many files are read side by side, at least: a server far
	// away is waited for more than the processor is.
	readersAtOnce = 8
)

// Options say what a verification goes by.
type Options struct {
	// Keys are verifier keys that the caller trusts, of any logs. Empty: those that
	// signed what is in Against and Checkpoints, or else the one published beside the
	// log.
	Keys []string
	// Against are older publications that somebody kept. They tell exactly which
	// record was changed since.
	Against []Source
	// Checkpoints are single older ones. They tell that a record was changed, and
	// between which two of them.
	Checkpoints [][]byte
	// Progress, if set, is told how many records of how many are done.
	Progress func(done, total int64)
}

// Verify checks a published log from nothing but its files: that a trusted key signed
// the checkpoint; that each entry can be read, is of the log's year, is named once
// and has the hash that the tree holds; that each level of hashes follows from the
// one below, and the signed root from them all; and that the log goes on from every
// older checkpoint that is given. What it finds is in the report. An error means that
// it could not look: the source cannot be read, or Options are wrong.
//
// It holds in memory 8 bytes for each record and 32 for each 256. The 8 are a hash of
// the record's id under a secret of this run: only if two are alike are the entries
// read a second time, to compare the ids themselves.
func Verify(ctx context.Context, src Source, o Options) (Report, error) {
	v, err := begin(ctx, src, o)
	if err != nil || v.unreadable {
		return v.report, err
	}
	if err := v.readEntries(ctx); err != nil {
		return v.report, err
	}
	if err := v.climb(ctx); err != nil {
		return v.report, err
	}
	if err := v.findTwice(ctx); err != nil {
		return v.report, err
	}
	if err := v.compareAll(ctx); err != nil {
		return v.report, err
	}
	v.countBeyond()
	v.judgeKey()
	v.report.sort()
	return v.report, nil
}

// verification is a Verify under way.
type verification struct {
	src      Source
	o        Options
	c        Checkpoint
	year     int
	trust    trust
	olds     []old
	report   Report
	untrusty string // why no trusted key stands for the checkpoint
	// unreadable: there is no checkpoint to go by.
	unreadable bool

	seed  maphash.Seed
	ids   []uint64
	known int64 // records whose bundles were looked at
	// levels are the hashes of the tree, by tile level from 1 on, as they follow from
	// the entries; levels[0] is empty.
	levels [][]Hash
	// odd are the bundles where something is wrong.
	odd map[int64]*bundle
	// agreed is up to where an older checkpoint stands for the log.
	agreed int64
	// forked: an older checkpoint tells of another log.
	forked bool
}

func (v *verification) fault(position int64, format string, args ...any) {
	v.report.Faults = append(v.report.Faults, Fault{Position: position, What: fmt.Sprintf(format, args...)})
}

// readEntries reads all bundles and their tiles of level 0, many at once.
func (v *verification) readEntries(ctx context.Context) error {
	bundles := (v.c.Size + Width - 1) >> Height
	results := make([]bundle, batch)
	for first := int64(0); first < bundles && !v.report.Stopped; first += batch {
		n := int(min(batch, bundles-first))
		parallel(n, max(readersAtOnce, runtime.GOMAXPROCS(0)), func(i int) {
			results[i] = v.readBundle(ctx, first+int64(i))
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range n {
			if err := results[i].err; err != nil {
				return fmt.Errorf("reading records from %d on: %w", (first+int64(i))<<Height, err)
			}
			v.gather(first+int64(i), results[i])
			if v.report.Stopped = len(v.odd) >= maxFaults && v.known < v.c.Size; v.report.Stopped {
				break
			}
		}
		if v.o.Progress != nil {
			v.o.Progress(v.known, v.c.Size)
		}
	}
	return nil
}

// gather keeps what the rest of the verification needs of a bundle.
func (v *verification) gather(n int64, b bundle) {
	v.ids = append(v.ids, b.ids...)
	v.known += int64(b.width)
	if b.at >= 0 {
		v.odd[n] = &b
	}
	if v.known == v.c.Size {
		v.report.Last = b.last
	}
	if b.width == Width {
		v.levels[1] = append(v.levels[1], b.own())
	}
	if v.known == v.c.Size && b.at < 0 && b.width < Width {
		v.odd[n] = &b // the right edge is needed whole
	}
}

// bundle is what was found in a bundle of entries and its tile.
type bundle struct {
	width   int
	entries []Hash // of the entries, as far as they can be cut
	tile    []Hash // nil if there is none
	ids     []uint64
	last    time.Time
	at      int64 // first record that is wrong; -1 for none
	what    string
	// unlike: what is wrong is that the entry has another hash than the tile, and
	// which of the two was changed is for the level above to say.
	unlike bool
	err    error
}

func (b *bundle) wrong(at int64, format string, args ...any) {
	if b.at < 0 || at < b.at {
		b.at, b.what = at, fmt.Sprintf(format, args...)
	}
}

// own is the hash over a whole bundle: by the entries if they are all there, else by
// the tile; zero if neither is.
func (b *bundle) own() Hash {
	switch {
	case len(b.entries) == b.width:
		return perfect(b.entries)
	case b.tile != nil:
		return perfect(b.tile)
	}
	return Hash{}
}

// absent says whether an error means that a file is not there or not what it is to
// be: that is a fault of the log, while others are ours.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fault.Invalid) || errors.Is(err, errNotHashes)
}

func (v *verification) readBundle(ctx context.Context, n int64) bundle {
	width := int(min(Width, v.c.Size-n<<Height))
	b := bundle{width: width, at: -1, entries: make([]Hash, 0, width), ids: make([]uint64, 0, width)}
	first := n << Height
	if b.err = v.readTileOf(ctx, &b, n); b.err != nil {
		return b
	}
	entries, err := readEntriesOf(ctx, v.src, n, width)
	if err != nil && !absent(err) {
		b.err = err
		return b
	}
	if len(entries) < width {
		b.wrong(first+int64(len(entries)), "record %d is missing: %v", first+int64(len(entries)), orShort(err, n, width, len(entries)))
	} else if err != nil {
		b.wrong(first+int64(width)-1, "after record %d, %v", first+int64(width)-1, err)
	}
	for i, e := range entries {
		v.readEntry(&b, first+int64(i), i, e)
	}
	return b
}

func orShort(err error, n int64, width, have int) error {
	path := Tile{EntriesLevel, n, width}.Path()
	switch {
	case err == nil:
		return fmt.Errorf("%s holds %d entries and not %d", path, have, width)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// readTileOf reads the tile of hashes that belongs to a bundle.
func (v *verification) readTileOf(ctx context.Context, b *bundle, n int64) error {
	tile, err := tiles{v.src}.Tile(ctx, 0, n, b.width)
	if err != nil {
		if !absent(err) {
			return err
		}
		here := Tile{0, n, b.width}
		b.wrong(here.first(0), "the hashes of records %d to %d are missing: there is no whole %s", here.first(0), here.first(b.width)-1, here.Path())
		return nil
	}
	b.tile = tile
	return nil
}

// readEntriesOf reads the first width entries of a bundle. With an error, it returns
// those that can be read.
func readEntriesOf(ctx context.Context, src Source, n int64, width int) ([][]byte, error) {
	t := Tile{EntriesLevel, n, width}
	data, err := src.ReadFile(ctx, t.Path())
	if width == Width || !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, err
		}
		return cutBundle(data, width)
	}
	if data, err = src.ReadFile(ctx, t.whole()); err != nil {
		return nil, err
	}
	entries, err := cutBundle(data, Width)
	return entries[:min(width, len(entries))], err
}

// readEntry looks at entry i of a bundle.
func (v *verification) readEntry(b *bundle, position int64, i int, entry []byte) {
	h := HashEntry(entry)
	b.entries = append(b.entries, h)
	if b.tile != nil && b.tile[i] != h {
		if b.at < 0 || position < b.at {
			b.unlike = true
		}
		b.wrong(position, "record %d is not the one whose hash the log holds", position)
		return
	}
	l, err := ParseEntry(entry)
	if err != nil {
		b.wrong(position, "record %d: %v", position, err)
		return
	}
	b.last = l.Time
	b.ids = append(b.ids, maphash.String(v.seed, l.ID))
	if l.Time.Year() != v.year {
		b.wrong(position, "record %d is of %s, in the log of %d", position, l.Time.Format(time.DateOnly), v.year)
	}
}

// findTwice finds entries with the same id.
func (v *verification) findTwice(ctx context.Context) error {
	slices.Sort(v.ids)
	alike := map[uint64]bool{}
	for i := 1; i < len(v.ids); i++ {
		if v.ids[i] == v.ids[i-1] && len(alike) < 1<<16 { // more than that need not be named
			alike[v.ids[i]] = true
		}
	}
	v.ids = nil
	if len(alike) == 0 {
		return nil
	}
	at := map[string]int64{}
	for n := range (v.known + Width - 1) >> Height {
		entries, err := readEntriesOf(ctx, v.src, n, int(min(Width, v.c.Size-n<<Height)))
		if err != nil && !absent(err) {
			return err
		}
		for i, e := range entries {
			l, err := ParseEntry(e)
			if err != nil || !alike[maphash.String(v.seed, l.ID)] {
				continue
			}
			position := n<<Height + int64(i)
			before, twice := at[l.ID]
			if !twice {
				at[l.ID] = position
				continue
			}
			v.fault(position, "record %d is audit row %s, and so is record %d", position, l.ID, before)
			if len(v.report.Faults) > 2*maxFaults {
				return nil
			}
		}
	}
	return nil
}

// judgeKey says what a checkpoint that no trusted key signed means, after everything
// that older checkpoints could tell is known.
func (v *verification) judgeKey() {
	if v.untrusty == "" {
		return
	}
	switch {
	case v.forked || v.agreed == v.c.Size && v.c.Size > 0:
		v.fault(-1, "%s", v.untrusty)
	case v.agreed > 0:
		v.fault(v.agreed, "%s; nothing from record %d on is proven", v.untrusty, v.agreed)
	default:
		v.fault(0, "%s; nothing in it is proven", v.untrusty)
	}
}

// countBeyond counts the tiles past the checkpoint, if the source can list them.
func (v *verification) countBeyond() {
	l, ok := v.src.(lister)
	if !ok {
		return
	}
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := l.list(dir)
		if err != nil {
			return
		}
		for _, e := range entries {
			name := dir + "/" + e.Name()
			if e.IsDir() {
				walk(name)
				continue
			}
			t, err := ParsePath(name)
			if err == nil && t.first(t.Width) > v.c.Size {
				v.report.Beyond++
			}
		}
	}
	walk("tile")
}
