package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

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
		if len(found.Destroyed)+len(found.Unrecorded) == 0 {
			_, err := fmt.Fprintln(w, "No key of an erased person is there.")
			return err
		}
		return nil
	})
}

// eraseAct is what the log calls an erasure; its object is the person.
const eraseAct = "person.erase"

// erasedInLog reads who was erased by a published log, of all its years. Each entry
// that says so is proven by a signed checkpoint; an entry that somebody left out is
// for `kutse audit verify` to find.
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
		positions, err := erasuresAt(ctx, log.Source)
		if err != nil {
			return nil, fmt.Errorf("the log %s: %w", log.Year, err)
		}
		report, leaves, err := merkle.VerifyEntries(ctx, log.Source, merkle.Options{Keys: vkeys}, positions)
		if err != nil {
			return nil, err
		}
		if first, bad := report.First(); bad {
			return nil, fault.Invalid.New("the log %s does not verify, so nothing is destroyed by it: %s", log.Year, first.What)
		}
		for _, leaf := range leaves {
			people = append(people, person.ID(leaf.Object))
		}
	}
	return people, nil
}

// erasuresAt says at which positions of a log somebody is erased, as it claims.
func erasuresAt(ctx context.Context, src merkle.Source) (positions []int64, err error) {
	signed, err := src.ReadFile(ctx, "checkpoint")
	if err != nil {
		return nil, err
	}
	c, err := merkle.ParseCheckpoint(signed)
	if err != nil {
		return nil, err
	}
	for n := int64(0); n<<merkle.Height < c.Size; n++ {
		width := int(min(merkle.Width, c.Size-n<<merkle.Height))
		bundle, err := src.ReadFile(ctx, merkle.Tile{Level: merkle.EntriesLevel, N: n, Width: width}.Path())
		if err != nil {
			return nil, err
		}
		entries, err := merkle.DecodeBundle(bundle, width)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			leaf, err := merkle.ParseEntry(entry)
			if err != nil {
				return nil, err
			}
			if leaf.Act == eraseAct {
				positions = append(positions, n<<merkle.Height+int64(i))
			}
		}
	}
	return positions, nil
}
