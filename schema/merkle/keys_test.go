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

// A key that handed over may be in anybody's hands by now.
func TestAKeySignsNothingLargerOnceItHandedOver(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	retired := b.signers[0]
	kept := b.publish(t, t.TempDir())
	b.changeKey(t)
	b.grow(t, 50)
	later := b.publish(t, t.TempDir())
	b.grow(t, 50)
	pinned := merkle.Options{Keys: []string{b.vkey()}}
	if r := verify(t, b.publish(t, t.TempDir()), merkle.Options{Keys: pinned.Keys, Against: []merkle.Source{merkle.Dir(kept)}}); !r.OK() {
		t.Errorf("the genuine log, against what the retired key signed in its time: %v", r.Faults)
	}
	for what, signer := range map[string]merkle.Signer{"the retired key": retired, "the retired key, handing over once more": nil} {
		forged := b.rebuilt(t, func(e [][]byte) [][]byte { e[350] = rewritten(t, 350); return e })
		forged.signers, forged.keys = []merkle.Signer{signer}, b.keys
		if signer == nil {
			forged.signers, forged.keys = []merkle.Signer{retired}, slices.Clone(b.keys[:1])
			forged.changeKey(t)
			forged.grow(t, 10)
		}
		dir := forged.publish(t, t.TempDir())
		for from, o := range map[string]merkle.Options{
			"the first key":                              pinned,
			"both keys":                                  {Keys: []string{b.vkey(), b.keys[1].VKey}},
			"the first key, and what was kept later":     {Keys: pinned.Keys, Against: []merkle.Source{merkle.Dir(later)}},
			"what was kept later":                        {Against: []merkle.Source{merkle.Dir(later)}},
			"the checkpoint of the change that was kept": {Checkpoints: [][]byte{b.keys[1].Transition}},
		} {
			if signer == nil && len(o.Against)+len(o.Checkpoints) == 0 {
				continue // nobody who does not know of the change can tell
			}
			first, wrong := verify(t, dir, o).First()
			if !wrong || first.Position != 300 && first.Position != 350 {
				t.Errorf("%s signs, and from %s: got %v, want a fault from record 300 on", what, from, first)
			}
		}
	}
}

// Whoever has no key of the log can put one of his own first in its file of keys, and
// his signature under a genuine change of keys.
func TestWhatWasKeptSaysWhichKeysToTrust(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	first := b.checkpoint(t).Note
	change := b.changeKey(t)
	b.grow(t, 100)
	second := b.checkpoint(t).Note
	b.grow(t, 50)
	genuine := b.publish(t, t.TempDir())

	thief, vkey := newKey(t)
	sign := func(signed []byte) []byte {
		n, err := note.Open(signed, note.VerifierList(verifier(t, b.vkey()), verifier(t, b.keys[1].VKey)))
		if err != nil {
			t.Fatal(err)
		}
		if signed, err = note.Sign(n, thief); err != nil {
			t.Fatal(err)
		}
		return signed
	}
	forged := b.rebuilt(t, func(e [][]byte) [][]byte { e[420] = rewritten(t, 420); return e })
	forged.signers = []merkle.Signer{thief}
	forged.keys = []merkle.Key{{VKey: vkey}, {VKey: b.keys[1].VKey, Transition: sign(change.Note)}}
	dir := forged.publish(t, t.TempDir())

	for what, kept := range map[string][]byte{"of the first key": first, "of the change": change.Note, "of the second key": second} {
		o := merkle.Options{Checkpoints: [][]byte{kept}}
		if r := verify(t, genuine, o); !r.OK() || !r.Pinned || r.Compared != 1 {
			t.Errorf("the genuine log, by a checkpoint %s: got %+v", what, r)
		}
		if r := verify(t, dir, o); r.OK() {
			t.Errorf("by a checkpoint %s, the thief's log is without faults", what)
		}
		// The thief may have been at it already when it was kept.
		if r := verify(t, dir, merkle.Options{Checkpoints: [][]byte{sign(kept)}}); r.OK() {
			t.Errorf("by a checkpoint %s with the thief's signature beside it, his log is without faults", what)
		}
	}
}

func TestAYearIsPublishedAsItself(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	b := newBook(t, 10)
	if err := os.CopyFS(filepath.Join(root, "2027"), os.DirFS(b.publish(t, root))); err != nil {
		t.Fatal(err)
	}
	logs, err := merkle.Logs(t.Context(), merkle.Dir(root))
	if err != nil || len(logs) != 2 {
		t.Fatalf("logs %v (%v), want two", logs, err)
	}
	for i, l := range logs {
		r, err := l.Verify(t.Context(), merkle.Options{Keys: []string{b.vkey()}})
		if err != nil || r.OK() != (i == 0) {
			t.Errorf("%s as %s: faults %v (%v), want some for the copy alone", r.Origin, l.Year, r.Faults, err)
		}
	}
}
