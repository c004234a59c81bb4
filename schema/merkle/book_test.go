package merkle_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kutse-dev/kutse/schema/merkle"
)

const origin = "kutse.example/audit/2026"

// book is a log as a sealer keeps it: entries, hashes, keys.
type book struct {
	*tables
	entries [][]byte
	signers []merkle.Signer // who signs now
	keys    []merkle.Key
}

func newBook(t testing.TB, records int) *book {
	t.Helper()
	b := &book{tables: newTables()}
	b.rekey(t)
	b.grow(t, records)
	return b
}

// rekey gives the book another key, as if it had never had one.
func (b *book) rekey(t testing.TB) {
	t.Helper()
	signer, vkey := newKey(t)
	b.signers, b.keys = []merkle.Signer{signer}, []merkle.Key{{VKey: vkey}}
}

func newKey(t testing.TB) (merkle.Signer, string) {
	t.Helper()
	skey, vkey, err := merkle.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := merkle.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, vkey
}

// leaf is what record i of every book says.
func leaf(i int) merkle.Leaf {
	return merkle.Leaf{
		ID:          fmt.Sprintf("01a20fa2-%04x-7%03x-8000-%012x", i>>12, i&0xfff, i),
		Time:        time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC).Add(time.Duration(i) * time.Second),
		Act:         "verdict.give",
		Actor:       "a3",
		Role:        "asr",
		Application: "01a20fda-a899-724d-b207-74791bff793f",
		Candidate:   "c1",
		Standard:    "08-10052023-1.1/7k",
		Object:      fmt.Sprint(i),
		Sequence:    i + 1,
		Request:     "231e31ee-a903-4f4d-a152-05c2634f7aa1",
		Payload:     sha256.Sum256([]byte(fmt.Sprint("payload ", i))),
		Records:     []merkle.Record{{Kind: "verdict", ID: fmt.Sprint(i), Digest: sha256.Sum256([]byte(fmt.Sprint("verdict ", i)))}},
	}
}

func entry(t testing.TB, l merkle.Leaf) []byte {
	t.Helper()
	e, err := l.Entry()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// grow adds records.
func (b *book) grow(t testing.TB, records int) {
	t.Helper()
	for range records {
		b.entries = append(b.entries, entry(t, leaf(len(b.entries))))
	}
	b.seal(t)
}

// seal hashes what is not hashed yet.
func (b *book) seal(t testing.TB) {
	t.Helper()
	var leaves []merkle.Hash
	for _, e := range b.entries[len(b.leaves):] {
		leaves = append(leaves, merkle.HashEntry(e))
	}
	b.tables.append(t, leaves)
}

// rebuilt is a book of the same keys with entries changed by an owner who hashes and
// signs everything anew.
func (b *book) rebuilt(t testing.TB, change func(entries [][]byte) [][]byte) *book {
	t.Helper()
	r := &book{tables: newTables(), signers: b.signers, keys: b.keys, entries: change(append([][]byte{}, b.entries...))}
	r.seal(t)
	return r
}

func (b *book) Entries(_ context.Context, from, to int64) ([][]byte, error) {
	return b.entries[from:min(to, int64(len(b.entries)))], nil
}

func (b *book) checkpoint(t testing.TB) merkle.Checkpoint {
	t.Helper()
	root, err := merkle.Root(t.Context(), b, int64(len(b.leaves)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: int64(len(b.leaves)), Root: root}, b.signers...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// vkey is the first key.
func (b *book) vkey() string { return b.keys[0].VKey }

func (b *book) tryPublish(t testing.TB, dir string) (merkle.Outcome, error) {
	t.Helper()
	return merkle.Publish(t.Context(), dir, b, merkle.Publication{Checkpoint: b.checkpoint(t).Note, Keys: b.keys})
}

// publish publishes to a folder, and gives that of the log.
func (b *book) publish(t testing.TB, dir string) string {
	t.Helper()
	if _, err := b.tryPublish(t, dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "2026")
}

// files reads all files of a folder.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		out[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// edit changes a file of a published log.
func edit(t testing.TB, dir, name string, change func(b []byte) []byte) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// editBundle changes the entries of a published bundle.
func editBundle(t testing.TB, dir, name string, change func(entries [][]byte) [][]byte) {
	t.Helper()
	tile, err := merkle.ParsePath(name)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, name, func(b []byte) []byte {
		entries, err := merkle.DecodeBundle(b, tile.Width)
		if err != nil {
			t.Fatal(err)
		}
		b, err = merkle.EncodeBundle(change(entries))
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

// rewritten is an entry whose verdict an owner would rather have been another one.
func rewritten(t testing.TB, i int) []byte {
	t.Helper()
	l := leaf(i)
	l.Actor = "a9"
	return entry(t, l)
}
