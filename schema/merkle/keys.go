package merkle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// keysFile lists the verifier keys of a log.
const keysFile = "keys"

// maxKeys bounds how many keys a log of one year may have had.
const maxKeys = 1000

// Key is a verifier key of a log.
type Key struct {
	VKey string
	// Transition is the checkpoint that made it one: it names the key as its Next and
	// carries the signatures of a key before it and of this key. Nil for the first.
	Transition []byte
}

// transitionFile is where the checkpoint of a change of keys is kept.
func transitionFile(size int64) string { return fmt.Sprintf("checkpoint-%d", size) }

// encodeKeys writes the file of keys: a verifier key a line, oldest first, and after
// a space the file of the checkpoint that introduces it, for all but the first.
func encodeKeys(keys []Key) ([]byte, error) {
	var b strings.Builder
	seen := map[int64]bool{}
	for i, k := range keys {
		if err := (verifiers{}).add(k.VKey); err != nil {
			return nil, err
		}
		b.WriteString(k.VKey)
		if (i > 0) != (k.Transition != nil) {
			return nil, fault.Invalid.New("key %s: every key but the first is introduced by a checkpoint", KeyID(k.VKey))
		}
		if i > 0 {
			c, err := openTransition(k, []string{keys[i-1].VKey})
			if err != nil {
				return nil, err
			}
			if seen[c.Size] {
				return nil, fault.Conflict.New("two keys begin at %d records: change the key again after the next record", c.Size)
			}
			seen[c.Size] = true
			b.WriteString(" " + transitionFile(c.Size))
		}
		b.WriteByte('\n')
	}
	return []byte(b.String()), nil
}

// openTransition checks that a key in trusted hands over to k, and that k's owner
// has the key.
func openTransition(k Key, trusted []string) (Checkpoint, error) {
	c, err := OpenCheckpoint(k.Transition, append([]string{k.VKey}, trusted...))
	if err != nil {
		return Checkpoint{}, err
	}
	by := slices.ContainsFunc(c.Signed, func(vkey string) bool { return vkey != k.VKey })
	if c.Next != k.VKey || !by || !slices.Contains(c.Signed, k.VKey) {
		return Checkpoint{}, fault.Forbidden.New("the checkpoint at %d does not hand over to the key %s", c.Size, KeyID(k.VKey))
	}
	return c, nil
}

// readKeys reads the keys published beside a log; none when there is no such file.
func readKeys(ctx context.Context, src Source) ([]Key, error) {
	text, err := src.ReadFile(ctx, keysFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the keys of the log: %w", err)
	}
	var keys []Key
	for line := range strings.Lines(string(text)) {
		vkey, file, introduced := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err := (verifiers{}).add(vkey); err != nil {
			return nil, err
		}
		k := Key{VKey: vkey}
		if introduced {
			if !strings.HasPrefix(file, checkpointFile+"-") || !fs.ValidPath(file) || strings.Contains(file, "/") {
				return nil, fault.Invalid.New("key %s is introduced by %.80q, which is no checkpoint", KeyID(vkey), file)
			}
			if k.Transition, err = src.ReadFile(ctx, file); err != nil {
				return nil, fmt.Errorf("reading what introduces key %s: %w", KeyID(vkey), err)
			}
		}
		if keys = append(keys, k); len(keys) > maxKeys {
			return nil, fault.Invalid.New("a log has at most %d keys", maxKeys)
		}
	}
	return keys, nil
}

// trust is what follows from the keys that somebody trusts to begin with.
type trust struct {
	keys        []string
	learned     []string
	transitions []Checkpoint
	// until is the size at which a key handed over to another one: what is larger it
	// does not vouch for any more.
	until map[string]int64
}

// follow adds to pinned the keys that each trusted key has handed over to, in the
// order of introduced. A key that none of them introduced is not added, and who has
// handed over introduces nobody else.
func follow(origin string, pinned []string, introduced []Key) trust {
	t := trust{until: map[string]int64{}}
	for _, vkey := range pinned {
		if name, _, _ := strings.Cut(vkey, "+"); name == origin && !slices.Contains(t.keys, vkey) {
			t.keys = append(t.keys, vkey)
		}
	}
	for _, k := range introduced {
		if k.Transition == nil {
			continue
		}
		c, err := openTransition(k, t.in(math.MaxInt64))
		if err != nil || c.Origin != origin {
			continue
		}
		if !slices.Contains(t.keys, k.VKey) {
			t.keys = append(t.keys, k.VKey)
			t.learned = append(t.learned, k.VKey)
		}
		for _, vkey := range c.Signed {
			if vkey != k.VKey {
				t.until[vkey] = c.Size
			}
		}
		t.transitions = append(t.transitions, c)
	}
	return t
}

// in are the keys that vouch for a checkpoint of a size.
func (t trust) in(size int64) []string {
	var keys []string
	for _, vkey := range t.keys {
		if until, over := t.until[vkey]; !over || size <= until {
			keys = append(keys, vkey)
		}
	}
	return keys
}

// open reads a checkpoint that a trusted key signed while it was the log's.
func (t trust) open(note []byte) (Checkpoint, error) {
	c, err := OpenCheckpoint(note, t.keys)
	if err != nil {
		return c, err
	}
	good := t.in(c.Size)
	retired := c.Signed
	c.Signed = slices.DeleteFunc(slices.Clone(c.Signed), func(vkey string) bool { return !slices.Contains(good, vkey) })
	if len(c.Signed) == 0 {
		return c, fault.Forbidden.New("the checkpoint of %s at %d is signed by the key %s, which handed over to another one at %d records: it signs no more",
			c.Origin, c.Size, KeyID(retired[0]), t.until[retired[0]])
	}
	return c, nil
}
