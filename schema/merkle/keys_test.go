package merkle_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// changeKey signs a checkpoint that hands over to a new key, which signs from then on.
func (b *book) changeKey(t *testing.T) merkle.Checkpoint {
	t.Helper()
	signer, vkey := newKey(t)
	c := b.checkpoint(t)
	c.Next = vkey
	c, err := merkle.Sign(c, b.signers[0], signer)
	if err != nil {
		t.Fatal(err)
	}
	b.signers = []merkle.Signer{signer}
	b.keys = append(b.keys, merkle.Key{VKey: vkey, Transition: c.Note})
	return c
}

func TestAChangeOfKeys(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := newBook(t, 300)
	b.publish(t, root)
	change := b.changeKey(t)
	pinned := merkle.Options{Keys: []string{b.vkey()}}

	// While both sign, the checkpoint of the change is the one that is published.
	if _, err := merkle.Publish(t.Context(), root, b, merkle.Publication{Checkpoint: change.Note, Keys: b.keys}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "2026")
	r := verify(t, dir, pinned)
	if !r.OK() || !slices.Equal(r.Keys, []string{b.vkey(), b.keys[1].VKey}) {
		t.Fatalf("signed by both: got %+v", r)
	}

	// Later only the new key signs, and changes again.
	b.grow(t, 100)
	b.publish(t, root)
	b.changeKey(t)
	b.grow(t, 100)
	b.publish(t, root)
	r = verify(t, dir, pinned)
	if !r.OK() || !slices.Equal(r.Learned, []string{b.keys[1].VKey, b.keys[2].VKey}) || !slices.Equal(r.Keys, []string{b.keys[2].VKey}) {
		t.Errorf("from the first key: got %+v", r)
	}
	if r = verify(t, dir, merkle.Options{Keys: []string{b.keys[2].VKey}}); !r.OK() || len(r.Learned) > 0 {
		t.Errorf("from the last key: got %+v", r)
	}
	if r = verify(t, dir, merkle.Options{}); !r.OK() {
		t.Errorf("from the keys beside it: got %+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "checkpoint-300")); err != nil {
		t.Fatal(err)
	}
	if first, _ := verify(t, dir, pinned).First(); first.Position != 0 {
		t.Errorf("without the checkpoint of the change: got %v, want record 0", first)
	}
}

// The checkpoint of a change is older, and the log must go on from it.
func TestALogIsHeldToItsChangeOfKeys(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	b.changeKey(t)
	b.grow(t, 100)
	dir := b.rebuilt(t, func(e [][]byte) [][]byte { e[17] = rewritten(t, 17); return e }).publish(t, t.TempDir())
	first, _ := verify(t, dir, merkle.Options{Keys: []string{b.vkey()}}).First()
	if first.Position != 0 || first.What != "of records 0 to 299, one or more are not those that the change of keys at 300 counts" {
		t.Errorf("got %v, want one of the records 0 to 299", first)
	}
}

// Anybody can sign a checkpoint that is public. Only the old key can name the next.
func TestNobodyElseCanHandOver(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	genuine := b.checkpoint(t)
	thief, vkey := newKey(t)
	n, err := note.Open(genuine.Note, note.VerifierList(verifier(t, b.vkey())))
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Sign(n, thief) // the old key's signature is genuine
	if err != nil {
		t.Fatal(err)
	}
	alone, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: 300, Root: genuine.Root, Next: vkey}, thief)
	if err != nil {
		t.Fatal(err)
	}
	onlyOld, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: 300, Root: genuine.Root, Next: vkey}, b.signers...)
	if err != nil {
		t.Fatal(err)
	}
	for what, transition := range map[string][]byte{"signed beside the old key": both, "signed by the thief alone": alone.Note, "signed by the old key, who has not the new one": onlyOld.Note} {
		forged := b.rebuilt(t, func(e [][]byte) [][]byte { return e })
		forged.signers = []merkle.Signer{thief}
		forged.keys = []merkle.Key{b.keys[0], {VKey: vkey, Transition: transition}}
		if _, err := forged.tryPublish(t, t.TempDir()); err == nil {
			t.Errorf("%s: it was published", what)
		}
		forged.keys = []merkle.Key{{VKey: vkey}}
		dir := forged.publish(t, t.TempDir())
		edit(t, dir, "keys", func([]byte) []byte { return []byte(b.vkey() + "\n" + vkey + " checkpoint-300\n") })
		if err := os.WriteFile(filepath.Join(dir, "checkpoint-300"), transition, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, o := range []merkle.Options{{Keys: []string{b.vkey()}}, {}} {
			if first, _ := verify(t, dir, o).First(); first.Position != 0 || first.What == "" {
				t.Errorf("%s: got %v, want a fault at record 0", what, first)
			}
		}
	}
}

func TestKeysAreNotTakenBack(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := newBook(t, 3)
	b.publish(t, root)
	before := files(t, root)
	other := b.rebuilt(t, func(e [][]byte) [][]byte { return e })
	other.rekey(t)
	if _, err := other.tryPublish(t, root); fault.Of(err) != fault.Conflict {
		t.Errorf("other keys: got %v, want conflict", err)
	}
	if after := files(t, root); after["2026/keys"] != before["2026/keys"] || !bytes.Equal([]byte(after["2026/checkpoint"]), []byte(before["2026/checkpoint"])) {
		t.Error("the folder has other keys now, or another checkpoint")
	}
}
