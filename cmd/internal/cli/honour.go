package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// KeysHonourCmd is `kutse keys honour`.
type KeysHonourCmd struct {
	KeyFlags `embed:""`
	Log      string   `placeholder:"DIR|URL" help:"The published log: also erasures that are newer than the backup."`
	Key      []string `sep:"none" placeholder:"VKEY" help:"Verifier key of the log; needed with --log."`
}

// Help implements kong.HelpProvider.
func (KeysHonourCmd) Help() string {
	return `Run it after restoring a backup and before kutse serve: the backup holds keys of people who were erased since. Harmless twice.

Example:
  kutse keys honour --database-file /run/database --kek file:/etc/kek.json \
    --log https://log.example.org --key "$(cat log-key)"`
}

// Run destroys the keys of erased people.
func (c *KeysHonourCmd) Run(ctx context.Context, g *Globals, out *Output) (err error) {
	var logged []person.ID
	if c.Log != "" {
		if len(c.Key) == 0 {
			return fault.Invalid.New("give the verifier key with --key: by a log that anybody can sign, anybody could destroy keys")
		}
		if logged, err = erasedInLog(ctx, c.Log, c.Key); err != nil {
			return err
		}
		out.Tell("the log tells of %d erasures", len(logged))
	}
	record, _, err := c.open(ctx, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	found, err := record.Honour(ctx, logged)
	if err != nil {
		return err
	}
	return out.Value(found, func(w io.Writer) error {
		for _, p := range found.Destroyed {
			if _, err := fmt.Fprintf(w, "%s: the key had come back and is destroyed\n", p); err != nil {
				return err
			}
		}
		for _, p := range found.Unrecorded {
			if _, err := fmt.Fprintf(w, "%s: the erasure stands in the log and not in this database; record it again with `kutse council erase %s`, with its ground and reference\n", p, p); err != nil {
				return err
			}
		}
		for _, p := range found.Barred {
			if _, err := fmt.Fprintf(w, "%s: the erasure stands in the log, and this database has lost the person; nobody gets this id again\n", p); err != nil {
				return err
			}
		}
		if len(found.Destroyed)+len(found.Unrecorded)+len(found.Barred) == 0 {
			_, err := fmt.Fprintln(w, "No key of an erased person is there.")
			return err
		}
		return nil
	})
}

// eraseAct is what the log calls an erasure; its object is the person.
const eraseAct = "person.erase"

// erasedInLog reads who was erased by a published log, of all its years, once each has
// been verified from its first entry to its last: in a log that somebody has changed,
// an erasure could be left out, and a key that came back would stay.
func erasedInLog(ctx context.Context, where string, vkeys []string) ([]person.ID, error) {
	src, err := merkle.Open(where)
	if err != nil {
		return nil, err
	}
	logs, err := merkle.Logs(ctx, src)
	if err != nil {
		return nil, err
	}
	var people []person.ID
	for _, log := range logs {
		report, err := log.Verify(ctx, merkle.Options{Keys: vkeys})
		if err != nil {
			return nil, fmt.Errorf("the log %s: %w", log.Year, err)
		}
		if first, bad := report.First(); bad {
			return nil, fault.Invalid.New("the log %s does not verify, so nothing is destroyed by it: %s", log.Year, first.What)
		}
		erased, err := erasedIn(ctx, log.Source, report)
		if err != nil {
			return nil, fmt.Errorf("the log %s: %w", log.Year, err)
		}
		people = append(people, erased...)
	}
	return people, nil
}

// erasedIn reads who was erased by a log that was verified. What is read is read a
// second time, so it has to give the same root: a server may answer otherwise now.
func erasedIn(ctx context.Context, src merkle.Source, verified merkle.Report) (people []person.ID, err error) {
	edge := &merkle.Edge{}
	for n := int64(0); n<<merkle.Height < verified.Size; n++ {
		entries, err := readBundle(ctx, src, n, int(min(merkle.Width, verified.Size-n<<merkle.Height)))
		if err != nil {
			return nil, err
		}
		hashes := make([]merkle.Hash, 0, len(entries))
		for _, entry := range entries {
			leaf, err := merkle.ParseEntry(entry)
			if err != nil {
				return nil, err
			}
			if hashes = append(hashes, merkle.HashEntry(entry)); leaf.Act == eraseAct {
				people = append(people, person.ID(leaf.Object))
			}
		}
		edge.Append(hashes)
	}
	if edge.Root() != verified.Root {
		return nil, fault.Invalid.New("it is not the log any more that it was when it was verified, a moment ago; nothing is destroyed by it")
	}
	return people, nil
}

// readBundle reads entries of a log, the first width of a bundle: also where the
// bundle was published whole meanwhile.
func readBundle(ctx context.Context, src merkle.Source, n int64, width int) ([][]byte, error) {
	for _, w := range []int{width, merkle.Width} {
		data, err := src.ReadFile(ctx, merkle.Tile{Level: merkle.EntriesLevel, N: n, Width: w}.Path())
		if errors.Is(err, fs.ErrNotExist) && w < merkle.Width {
			continue
		}
		if err != nil {
			return nil, err
		}
		entries, err := merkle.DecodeBundle(data, w)
		if err != nil {
			return nil, err
		}
		return entries[:width], nil
	}
	return nil, fs.ErrNotExist
}
