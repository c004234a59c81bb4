package merkle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

const (
	// maxFile is the largest file of a log: a bundle of 256 entries of full length.
	maxFile = Width * (2 + MaxEntry)
	// logsFile lists the years of a publication, for who cannot list a folder.
	logsFile = "logs"
	// checkpointFile is written last, and says up to where the rest is to be read.
	checkpointFile = "checkpoint"
)

// Source reads the files of a published log.
type Source interface {
	// ReadFile reads a file by its path with slashes. The error is fs.ErrNotExist
	// when there is none. A file larger than any of a log's is an error.
	ReadFile(ctx context.Context, path string) ([]byte, error)
}

// lister is a source that can tell what is there.
type lister interface {
	list(dir string) ([]fs.DirEntry, error)
}

// Open returns the source at a folder, or at a URL of http, https or file.
func Open(where string) (Source, error) {
	if scheme, rest, found := strings.Cut(where, "://"); found {
		if scheme == "file" {
			return Dir(strings.TrimPrefix(rest, "localhost")), nil
		}
		return URL(where)
	}
	return Dir(where), nil
}

// Dir is a folder. Nothing outside it is read, through a link either.
type Dir string

// ReadFile implements Source.
func (d Dir) ReadFile(_ context.Context, name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fault.Invalid.New("%.120q is no path in a log", name)
	}
	f, err := os.OpenInRoot(string(d), name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fault.Invalid.New("%s is not a file", name)
	case info.Size() > maxFile:
		return nil, tooLarge(name)
	}
	b := make([]byte, info.Size())
	_, err = io.ReadFull(f, b)
	return b, err
}

func (d Dir) list(dir string) ([]fs.DirEntry, error) { return fs.ReadDir(os.DirFS(string(d)), dir) }

func tooLarge(name string) error {
	return fault.Invalid.New("%s is larger than any file of a log", name)
}

// within is a folder of a source.
type within struct {
	Source
	dir string
}

// ReadFile implements Source.
func (w within) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return w.Source.ReadFile(ctx, path.Join(w.dir, name))
}

func (w within) list(dir string) ([]fs.DirEntry, error) {
	l, ok := w.Source.(lister)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return l.list(path.Join(w.dir, dir))
}

// Published is one log of a publication.
type Published struct {
	Year   string // "" for a source that is itself a log
	Source Source
}

// Verify verifies the log as the package's Verify does, and that it is of the year
// that it is published as: a copy of one year in the place of another would hide that
// the other is gone.
func (p Published) Verify(ctx context.Context, o Options) (Report, error) {
	r, err := Verify(ctx, p.Source, o)
	if err != nil || p.Year == "" || r.Origin == "" {
		return r, err
	}
	if _, year, err := ParseOrigin(r.Origin); err != nil || fmt.Sprintf("%04d", year) != p.Year {
		r.Faults = append(r.Faults, Fault{Position: -1, What: fmt.Sprintf("what is published as %s is the log %s", p.Year, r.Origin)})
	}
	return r, nil
}

// Logs lists what is published at a source: the logs of its years, oldest first, or
// the source itself if it is one log. It is NotFound when neither is there.
func Logs(ctx context.Context, src Source) ([]Published, error) {
	switch _, err := src.ReadFile(ctx, checkpointFile); {
	case err == nil:
		return []Published{{Source: src}}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading what is published: %w", err)
	}
	years, err := years(ctx, src)
	if err != nil {
		return nil, err
	}
	var logs []Published
	for _, year := range years {
		logs = append(logs, Published{year, within{src, year}})
	}
	if len(logs) == 0 {
		return nil, fault.NotFound.New("no log is published here: neither a file %s nor folders of years", checkpointFile)
	}
	return logs, nil
}

func years(ctx context.Context, src Source) ([]string, error) {
	var years []string
	if l, ok := src.(lister); ok {
		entries, err := l.list(".")
		if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("listing what is published: %w", err)
		}
		for _, e := range entries {
			if isYear(e.Name()) && e.IsDir() {
				years = append(years, e.Name())
			}
		}
	}
	// What the list names and the folder lacks is a log that somebody took away.
	listed, err := src.ReadFile(ctx, logsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading which logs are published: %w", err)
	}
	for line := range strings.Lines(string(listed)) {
		year := strings.TrimSuffix(line, "\n")
		if !isYear(year) || len(years) > 1000 {
			return nil, fault.Invalid.New("the file %s lists years, one a line, not %.40q", logsFile, year)
		}
		years = append(years, year)
	}
	slices.Sort(years)
	return slices.Compact(years), nil
}

func isYear(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && len(s) == 4 && n > 0
}

// tiles reads the hashes of a published log, as they stand there.
type tiles struct{ src Source }

// Tile implements Hashes.
func (t tiles) Tile(ctx context.Context, level int, n int64, width int) ([]Hash, error) {
	tile := Tile{level, n, width}
	b, err := readAtLeast(ctx, t.src, tile)
	if err != nil {
		return nil, err
	}
	return decodeHashes(b, width)
}

// readAtLeast reads a tile, or the complete one that came in place of a partial.
func readAtLeast(ctx context.Context, src Source, t Tile) ([]byte, error) {
	b, err := src.ReadFile(ctx, t.Path())
	if t.Width < Width && errors.Is(err, fs.ErrNotExist) {
		b, err = src.ReadFile(ctx, t.whole())
	}
	return b, err
}

// HashesOf reads the hashes of a published log of size records. They are not checked:
// a proof made of them is, against a checkpoint.
func HashesOf(src Source, size int64) Hashes { return ofSize{tiles{src}, size} }

// ofSize asks for tiles as wide as the log of a size has them: a file of another
// width is not there.
type ofSize struct {
	tiles
	size int64
}

// Tile implements Hashes.
func (o ofSize) Tile(ctx context.Context, level int, n int64, width int) ([]Hash, error) {
	have := o.size>>(Height*level) - n<<Height
	if have < int64(width) {
		return nil, fmt.Errorf("a log of %d records has no %d hashes in tile %d of level %d: %w", o.size, width, n, level, fs.ErrNotExist)
	}
	hashes, err := o.tiles.Tile(ctx, level, n, int(min(have, Width)))
	if err != nil {
		return nil, err
	}
	return hashes[:width], nil
}
