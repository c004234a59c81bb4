package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/config"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
	"github.com/kutse-dev/kutse/schema/seal/kek"
)

// KeysCmd is `kutse keys`.
type KeysCmd struct {
	Create KeysCreateCmd `cmd:"" help:"Make a key file."`
	Show   KeysShowCmd   `cmd:"" help:"Show which keys there are and what is wrapped under each."`
	Rotate KeysRotateCmd `cmd:"" help:"Make a new key and wrap every person's key under it."`
	Rewrap KeysRewrapCmd `cmd:"" help:"Wrap what is left under older keys, as after a rotation that broke off."`
	Forget KeysForgetCmd `cmd:"" help:"Drop the older keys from the file."`
	Honour KeysHonourCmd `cmd:"" help:"Destroy what a restored backup brought back of erased people."`
}

// Help implements kong.HelpProvider.
func (KeysCmd) Help() string {
	return `Every person has a key, which all of theirs is sealed under; these keys are wrapped under one key-encryption key. Whoever rotates and forgets makes older copies of the database unreadable.

Example:
  kutse keys create /etc/kek.json`
}

// KeysCreateCmd is `kutse keys create`.
type KeysCreateCmd struct {
	Path string `arg:"" type:"path" help:"Where the file is to be."`
}

// Help implements kong.HelpProvider.
func (KeysCreateCmd) Help() string {
	return `Back the file up apart from the database: with both in one hand, everything can be read, and without it, nothing. A file that is there is never overwritten.

Example:
  kutse keys create /etc/kek.json`
}

// Run makes the file.
func (c *KeysCreateCmd) Run(out *Output) error {
	id, err := kek.Create(c.Path)
	if err != nil {
		return err
	}
	return out.Value(map[string]string{"path": c.Path, "key": id}, func(w io.Writer) error {
		return columns(w, [][]string{{"file", c.Path}, {"key", id}})
	})
}

// KeyFlags say where the people's keys are, and what they are wrapped under.
type KeyFlags struct {
	config.Database `embed:""`
	config.Keys     `embed:""`
}

// open opens the record with the key.
func (f KeyFlags) open(ctx context.Context, g *Globals) (*postgres.Store, kek.KEK, error) {
	url, err := f.URL()
	if err != nil {
		return nil, nil, err
	}
	if f.KEK == "" {
		return nil, nil, fault.Invalid.New("say which key: --kek file:PATH, or KUTSE_KEK in the environment")
	}
	key, err := kek.Open(f.KEK)
	if err != nil {
		return nil, nil, err
	}
	record, err := postgres.Open(ctx, url, postgres.Options{KEK: key, Now: time.Now, Log: newLog(io.Discard, g.Verbose), Pool: 4})
	return record, key, err
}

// file is the path of the key, where it is in a file.
func (f KeyFlags) file() (string, error) {
	path, ok := strings.CutPrefix(f.KEK, "file:")
	if !ok {
		return "", fault.Invalid.New("only a key in a file is changed here, as in --kek file:PATH; a key service rotates its own")
	}
	return path, nil
}

// KeysShowCmd is `kutse keys show`.
type KeysShowCmd struct {
	KeyFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (KeysShowCmd) Help() string {
	return "Example:\n  kutse keys show --database-file /run/database --kek file:/etc/kek.json"
}

// shownKey is a key-encryption key in the list.
type shownKey struct {
	Key    string `json:"key"`
	Held   bool   `json:"held"` // it is in the file, or is the service's
	InUse  bool   `json:"in_use"`
	People int    `json:"people"` // whose keys are wrapped under it
}

// Run prints the keys.
func (c *KeysShowCmd) Run(ctx context.Context, g *Globals, out *Output) (err error) {
	record, key, err := c.open(ctx, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	list := []shownKey{{Key: key.ID(), Held: true, InUse: true}}
	if path, err := c.file(); err == nil {
		keys, err := kek.Keys(path)
		if err != nil {
			return err
		}
		list = nil
		for _, k := range keys {
			list = append(list, shownKey{Key: k.ID, Held: true, InUse: k.Primary})
		}
	}
	wrapped, err := record.Wrappings(ctx)
	if err != nil {
		return err
	}
	return out.Table(withPeople(list, wrapped), []string{"KEY", "", "PEOPLE"}, keyRows(withPeople(list, wrapped)), "There is no key.")
}

// withPeople says of each key whose are wrapped under it, also of those that are
// not there: what is wrapped under them is lost.
func withPeople(list []shownKey, wrapped []postgres.Wrapping) []shownKey {
	list = append([]shownKey{}, list...)
next:
	for _, w := range wrapped {
		for i := range list {
			if list[i].Key == w.KEK {
				list[i].People = w.People
				continue next
			}
		}
		list = append(list, shownKey{Key: w.KEK, People: w.People})
	}
	return list
}

func keyRows(list []shownKey) [][]string {
	var rows [][]string
	for _, k := range list {
		what := "older"
		switch {
		case k.InUse:
			what = "in use"
		case !k.Held:
			what = "not there"
		}
		rows = append(rows, []string{k.Key, what, strconv.Itoa(k.People)})
	}
	return rows
}

// KeysRotateCmd is `kutse keys rotate`.
type KeysRotateCmd struct {
	KeyFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (KeysRotateCmd) Help() string {
	return `Running services take the new key up by themselves; where they run on several machines, they need the same file. Then: kutse keys forget.

Example:
  kutse keys rotate --database-file /run/database --kek file:/etc/kek.json`
}

// Run rotates and wraps anew.
func (c *KeysRotateCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	path, err := c.file()
	if err != nil {
		return err
	}
	record, _, err := c.open(ctx, g) // before there is a new key: what cannot be wrapped anew is not begun
	if err != nil {
		return err
	}
	if err := record.Close(); err != nil {
		return err
	}
	id, err := kek.Rotate(path)
	if err != nil {
		return err
	}
	out.Tell("there is a new key, %s", id)
	return c.rewrap(ctx, g, out)
}

// KeysRewrapCmd is `kutse keys rewrap`.
type KeysRewrapCmd struct {
	KeyFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (KeysRewrapCmd) Help() string {
	return `Harmless twice, and beside running services.

Example:
  kutse keys rewrap --database-file /run/database --kek file:/etc/kek.json`
}

// Run wraps anew.
func (c *KeysRewrapCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.rewrap(ctx, g, out)
}

// rewrapTold is how many people are wrapped anew between two words about it.
const rewrapTold = 10_000

func (f KeyFlags) rewrap(ctx context.Context, g *Globals, out *Output) (err error) {
	record, key, err := f.open(ctx, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	told := 0
	done, err := record.Rewrap(ctx, func(done int) {
		if done >= told+rewrapTold {
			told = done
			out.Tell("%d keys are wrapped anew", done)
		}
	})
	if err != nil {
		return fmt.Errorf("after %d keys, go on with `kutse keys rewrap`: %w", done, err)
	}
	return out.Value(map[string]any{"key": key.ID(), "wrapped": done}, func(w io.Writer) error {
		return columns(w, [][]string{{"key in use", key.ID()}, {"wrapped anew", strconv.Itoa(done)}})
	})
}

// KeysForgetCmd is `kutse keys forget`.
type KeysForgetCmd struct {
	KeyFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (KeysForgetCmd) Help() string {
	return `Refuses while anybody's key is wrapped under an older one. Afterwards nothing that was copied from the database before the rotation can be read, unless a copy of the older file is kept too.

Example:
  kutse keys forget --database-file /run/database --kek file:/etc/kek.json`
}

// Run forgets.
func (c *KeysForgetCmd) Run(ctx context.Context, g *Globals, out *Output) (err error) {
	path, err := c.file()
	if err != nil {
		return err
	}
	record, key, err := c.open(ctx, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	waiting, cancel := context.WithTimeout(ctx, g.Timeout)
	defer cancel()
	keep := key.ID() // asked once: it follows the file, and what was looked at has to be what is kept
	if err := record.OnlyUnder(waiting, keep); err != nil {
		return err
	}
	id, err := kek.Forget(path, keep)
	if err != nil {
		return err
	}
	return out.Value(map[string]string{"key": id}, func(w io.Writer) error { return columns(w, [][]string{{"only key", id}}) })
}
