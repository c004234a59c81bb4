package merkle

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
)

// File makes one file of a log's published form from where the log is kept, for who
// reads it there: the bytes that Publish would write. It judges nothing: a reader
// finds what was changed by verifying what it got. The error is fs.ErrNotExist for a
// file that the log of p does not have.
func File(ctx context.Context, from Reader, p Publication, name string) ([]byte, error) {
	switch {
	case name == checkpointFile:
		return p.Checkpoint, nil
	case name == keysFile:
		return encodeKeys(p.Keys)
	case strings.HasPrefix(name, checkpointFile+"-"):
		return transition(p.Keys, name)
	}
	t, err := ParsePath(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	c, err := ParseCheckpoint(p.Checkpoint)
	if err != nil {
		return nil, err
	}
	if have := c.Size >> (Height * max(t.Level, 0)); t.N > have>>Height || have-t.N<<Height < int64(t.Width) {
		return nil, fmt.Errorf("a log of %d records has no %.120s: %w", c.Size, name, fs.ErrNotExist)
	}
	if t.Level != EntriesLevel {
		hashes, err := readTile(ctx, from, t.Level, t.N, t.Width)
		return encodeHashes(hashes), err
	}
	entries, err := from.Entries(ctx, t.first(0), t.first(t.Width))
	if err != nil {
		return nil, err
	}
	return EncodeBundle(entries)
}

func transition(keys []Key, name string) ([]byte, error) {
	for _, k := range keys {
		if k.Transition == nil {
			continue
		}
		c, err := ParseCheckpoint(k.Transition)
		if err != nil {
			return nil, err
		}
		if transitionFile(c.Size) == name {
			return k.Transition, nil
		}
	}
	return nil, fmt.Errorf("no key is introduced by %.120q: %w", name, fs.ErrNotExist)
}
