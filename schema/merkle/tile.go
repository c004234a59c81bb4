package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/fault"
)

const (
	// Height of a tile: how many levels of the tree it stands for.
	Height = 8
	// Width of a complete tile: how many hashes, or entries, it holds.
	Width = 1 << Height
	// maxLevel is the highest level that a tree of 63 bits can reach.
	maxLevel = 7
)

// EntriesLevel is the level of bundles of entries, below the hashes.
const EntriesLevel = -1

// Hash is a node of the tree: SHA-256 as RFC 6962 takes it.
type Hash = tlog.Hash

// HashEntry is the hash of a leaf: SHA-256 of a zero byte and the entry.
func HashEntry(entry []byte) Hash { return tlog.RecordHash(entry) }

// Tile is a file of a published log: Width hashes of a level, or fewer at the edge
// of the tree, or a bundle of that many entries.
type Tile struct {
	Level int // from 0; EntriesLevel for a bundle of entries
	N     int64
	Width int // 1 to Width
}

// Path is where the tile is, seen from the folder of the log.
func (t Tile) Path() string {
	p := strings.TrimPrefix(tlog.Tile{H: Height, L: t.Level, N: t.N, W: t.Width}.Path(), "tile/8/")
	if rest, ok := strings.CutPrefix(p, "data/"); ok {
		p = "entries/" + rest
	}
	return "tile/" + p
}

// whole is the path of the tile when it is complete.
func (t Tile) whole() string { return Tile{t.Level, t.N, Width}.Path() }

// first is the position of the first record below hash i of the tile.
func (t Tile) first(i int) int64 {
	return (t.N<<Height + int64(i)) << (Height * max(t.Level, 0))
}

// ParsePath reads what Path writes.
func ParsePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || strings.HasPrefix(rest, "data/") {
		return Tile{}, fault.Invalid.New("%.120q is not the path of a tile", path)
	}
	if entries, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + entries
	}
	t, err := tlog.ParseTilePath("tile/8/" + rest)
	if err != nil || t.L > maxLevel || t.N < 0 {
		return Tile{}, fault.Invalid.New("%.120q is not the path of a tile", path)
	}
	return Tile{Level: t.L, N: t.N, Width: t.W}, nil
}

// EncodeBundle writes entries one after the other, each after its length in 16 bits,
// the higher byte first.
func EncodeBundle(entries [][]byte) ([]byte, error) {
	size := 0
	for _, e := range entries {
		size += 2 + len(e)
	}
	out := make([]byte, 0, size)
	for i, e := range entries {
		if len(e) > MaxEntry {
			return nil, fault.Invalid.New("entry %d of a bundle has %d bytes; the most is %d", i, len(e), MaxEntry)
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(e)))
		out = append(out, e...)
	}
	return out, nil
}

// DecodeBundle reads just width entries; they share memory with data. A bundle that
// ends too early or goes on is Invalid.
func DecodeBundle(data []byte, width int) ([][]byte, error) {
	entries, err := cutBundle(data, width)
	if err == nil && len(entries) < width {
		err = fault.Invalid.New("a bundle of %d entries holds %d", width, len(entries))
	}
	return entries, err
}

// cutBundle reads as many entries as there are whole ones, up to width. It is an
// error if anything remains after them.
func cutBundle(data []byte, width int) ([][]byte, error) {
	entries := make([][]byte, 0, width)
	for len(data) > 0 && len(entries) < width {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return entries, fault.Invalid.New("a bundle ends within entry %d", len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end:end])
		data = data[end:]
	}
	if len(data) > 0 {
		return entries, fault.Invalid.New("a bundle of %d entries goes on after them", width)
	}
	return entries, nil
}

// encodeHashes is the content of a tile.
func encodeHashes(hashes []Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// errNotHashes says that a tile is too short, or ends within a hash.
var errNotHashes = errors.New("not a tile")

// decodeHashes reads the first width hashes of a tile.
func decodeHashes(data []byte, width int) ([]Hash, error) {
	if len(data)%tlog.HashSize != 0 || len(data) < width*tlog.HashSize {
		return nil, fmt.Errorf("%w: %d bytes are not %d hashes", errNotHashes, len(data), width)
	}
	hashes := make([]Hash, width)
	for i := range hashes {
		copy(hashes[i][:], data[i*tlog.HashSize:])
	}
	return hashes, nil
}

// perfect is the hash over a power of two of hashes.
func perfect(hashes []Hash) Hash {
	var buf [Width]Hash
	level := append(buf[:0], hashes...)
	for len(level) > 1 {
		for i := 0; i < len(level)/2; i++ {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}
