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

// Mirror brings <dir>/<year> up to a log that is published elsewhere, file for file,
// and the checkpoint last. It fetches what came since the checkpoint that is there;
// done twice it fetches nothing, and after a break it goes on. It does not judge what
// it copies: that is what Verify is for, on the copy.
//
// What was copied once is never overwritten: Conflict, with the record it is about,
// when the log would take back or change it. progress, if set, is told how many
// records of how many are done.
func Mirror(ctx context.Context, dir string, log Published, progress func(done, total int64)) (Outcome, error) {
	note, err := log.Source.ReadFile(ctx, checkpointFile)
	if err != nil {
		return Outcome{}, fmt.Errorf("copying a log: %w", err)
	}
	c, err := ParseCheckpoint(note)
	if err != nil {
		return Outcome{}, fmt.Errorf("copying a log: %w", err)
	}
	_, year, err := ParseOrigin(c.Origin)
	if err != nil {
		return Outcome{}, fmt.Errorf("copying a log: %w", err)
	}
	name := fmt.Sprintf("%04d", year)
	if log.Year != "" && log.Year != name {
		return Outcome{}, fault.Conflict.New("the log published as %s is that of %s", log.Year, c.Origin)
	}
	m := &mirror{publisher{dir: filepath.Join(dir, name), from: copied{HashesOf(log.Source, c.Size)}, to: c, nodes: map[Tile]Hash{}}, log.Source}
	if err := m.copy(ctx, progress); err != nil {
		return Outcome{}, fmt.Errorf("copying %s: %w", c.Origin, err)
	}
	if err := addYear(dir, name); err != nil {
		return Outcome{}, fmt.Errorf("copying %s: %w", c.Origin, err)
	}
	return Outcome{Year: year, Size: c.Size, Files: m.files}, nil
}

type mirror struct {
	publisher
	src Source
}

// copied is a log whose files are copied as they are: its entries are not asked for.
type copied struct{ Hashes }

// Entries implements Reader.
func (copied) Entries(context.Context, int64, int64) ([][]byte, error) {
	return nil, errors.ErrUnsupported
}

func (m *mirror) copy(ctx context.Context, progress func(done, total int64)) error {
	old, err := m.before(ctx)
	if err != nil {
		return err
	}
	tiles := tlog.NewTiles(Height, old.Size, m.to.Size)
	for group := range slices.Chunk(tiles, bundlesAtOnce) {
		if err := m.copyTiles(ctx, group); err != nil {
			return err
		}
		if last := group[len(group)-1]; last.L == 0 && progress != nil {
			progress(last.N<<Height+int64(last.W), m.to.Size)
		}
	}
	if err := m.copyKeys(ctx); err != nil {
		return err
	}
	return m.finish(old, tiles)
}

// copyTiles fetches tiles, and the entries of those of level 0, and writes them.
func (m *mirror) copyTiles(ctx context.Context, group []tlog.Tile) error {
	var files []file
	for _, t := range group {
		files = append(files, file{tile: Tile{t.L, t.N, t.W}})
		if t.L == 0 {
			files = append(files, file{tile: Tile{EntriesLevel, t.N, t.W}})
		}
	}
	errs := make([]error, len(files))
	parallel(len(files), writersAtOnce, func(i int) { files[i].data, errs[i] = m.fetch(ctx, files[i].tile) })
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return m.write(files)
}

// fetch reads a tile as wide as it is to be; where the log has the complete one by
// now, its beginning.
func (m *mirror) fetch(ctx context.Context, t Tile) ([]byte, error) {
	data, err := m.src.ReadFile(ctx, t.Path())
	if err == nil || t.Width == Width || !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	if data, err = m.src.ReadFile(ctx, t.whole()); err != nil {
		return nil, err
	}
	if t.Level != EntriesLevel {
		return data[:min(len(data), t.Width*tlog.HashSize)], nil
	}
	entries, err := cutBundle(data, Width)
	if err != nil {
		return nil, err
	}
	return EncodeBundle(entries[:min(len(entries), t.Width)])
}

func (m *mirror) copyKeys(ctx context.Context) error {
	text, err := m.src.ReadFile(ctx, keysFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name := filepath.Join(m.dir, keysFile)
	there, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.HasPrefix(text, there) {
		return fault.Conflict.New("other keys were published for this log before than those that it is said to have now")
	}
	for line := range strings.Lines(string(text)) {
		_, introduced, found := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !found {
			continue
		}
		if !strings.HasPrefix(introduced, checkpointFile+"-") || filepath.Base(introduced) != introduced {
			return fault.Invalid.New("a key is introduced by %.80q, which is no checkpoint", introduced)
		}
		note, err := m.src.ReadFile(ctx, introduced)
		if err != nil {
			return err
		}
		if err := m.writeOnce(introduced, note); err != nil {
			return err
		}
	}
	if len(text) == len(there) {
		return nil
	}
	m.files++
	return writeFile(name, text)
}
