package merkle_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	if got := merkle.Origin("kutse.example", 2026); got != origin {
		t.Errorf("got %s, want %s", got, origin)
	}
	if host, year, err := merkle.ParseOrigin(origin); host != "kutse.example" || year != 2026 || err != nil {
		t.Errorf("got %s, %d, %v", host, year, err)
	}
	for _, bad := range []string{"", "kutse.example", "/audit/2026", "kutse.example/audit/26", "kutse.example/audit/2026/", "a b/audit/2026", "a+b/audit/2026", "a/audit/02026", "a\nb/audit/2026"} {
		if _, _, err := merkle.ParseOrigin(bad); fault.Of(err) != fault.Invalid {
			t.Errorf("%q: got %v, want invalid", bad, err)
		}
		if _, _, err := merkle.NewKey(bad); err == nil {
			t.Errorf("%q: a key was made", bad)
		}
	}
}

func TestACheckpointSaysWhoSignedIt(t *testing.T) {
	t.Parallel()
	one, vkey1 := newKey(t)
	two, vkey2 := newKey(t)
	_, vkey3 := newKey(t)
	c, err := merkle.Sign(merkle.Checkpoint{Origin: origin, Size: 42, Root: merkle.Hash{1}, Next: vkey2}, one, two)
	if err != nil {
		t.Fatal(err)
	}
	if want := "kutse.example/audit/2026\n42\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nnext key " + vkey2 + "\n\n— kutse.example/audit/2026 "; !strings.HasPrefix(string(c.Note), want) {
		t.Errorf("got %s\nwant %s…", c.Note, want)
	}
	for _, keys := range [][]string{{vkey1}, {vkey2}, {vkey1, vkey2}, {vkey3, vkey1}} {
		got, err := merkle.OpenCheckpoint(c.Note, keys)
		want := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == vkey3 })
		if err != nil || !slices.Equal(got.Signed, want) || got.Size != 42 || got.Root != (merkle.Hash{1}) || got.Origin != origin || got.Next != vkey2 || !bytes.Equal(got.Note, c.Note) {
			t.Errorf("by %v: got %+v, %v", keys, got, err)
		}
	}
	for _, keys := range [][]string{nil, {vkey3}} {
		got, err := merkle.OpenCheckpoint(c.Note, keys)
		if fault.Of(err) != fault.Forbidden || got.Size != 42 || len(got.Signed) > 0 {
			t.Errorf("by %v: got %+v, %v; want the claim, and forbidden", keys, got, err)
		}
	}
	changed := bytes.Replace(c.Note, []byte("\n42\n"), []byte("\n41\n"), 1)
	if _, err := merkle.OpenCheckpoint(changed, []string{vkey1}); fault.Of(err) != fault.Invalid {
		t.Errorf("changed after signing: got %v, want invalid", err)
	}
	if c, err := merkle.ParseCheckpoint(changed); err != nil || c.Size != 41 {
		t.Errorf("as a claim: got %v, %v", c, err)
	}
}

// A witness signs with a key of its own name; that alone makes nobody trust a log.
func TestAnotherNamesSignatureDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBook(t, 3)
	skey, vkey, err := note.GenerateKey(nil, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	c := b.checkpoint(t)
	if _, err := merkle.Sign(c, witness); err == nil {
		t.Error("a key of another name signed a checkpoint of ours")
	}
	n, err := note.Open(c.Note, note.VerifierList(verifier(t, b.vkey())))
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := note.Sign(n, witness)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := merkle.OpenCheckpoint(cosigned, []string{b.vkey()}); err != nil || !bytes.Equal(got.Note, cosigned) {
		t.Errorf("with a cosignature: got %v, %v", got, err)
	}
	if _, err := merkle.OpenCheckpoint(cosigned, []string{vkey}); fault.Of(err) != fault.Forbidden {
		t.Errorf("by the witness alone: got %v, want forbidden", err)
	}
}

func verifier(t testing.TB, vkey string) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhatIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	signer, vkey := newKey(t)
	root := "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for what, text := range map[string]string{
		"two lines":          origin + "\n1\n",
		"a negative size":    origin + "\n-1\n" + root + "\n",
		"a leading zero":     origin + "\n01\n" + root + "\n",
		"a size beyond 63":   origin + "\n9223372036854775808\n" + root + "\n",
		"a short root":       origin + "\n1\nAQ==\n",
		"a root spelt twice": origin + "\n1\n" + root[:42] + "B=\n",
		"an empty line":      origin + "\n1\n" + root + "\n\nmore\n",
		"no origin":          "\n1\n" + root + "\n",
		"two next keys":      origin + "\n1\n" + root + "\nnext key a\nnext key b\n",
	} {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := merkle.OpenCheckpoint(signed, []string{vkey}); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %+v, %v; want invalid", what, c, err)
		}
	}
	if _, err := merkle.ParseCheckpoint(bytes.Repeat([]byte("x"), 1<<17)); fault.Of(err) != fault.Invalid {
		t.Errorf("too large: got %v, want invalid", err)
	}
	if _, err := merkle.Sign(merkle.Checkpoint{Origin: origin}); err == nil {
		t.Error("a checkpoint was signed by nobody")
	}
	if _, err := merkle.NewSigner(vkey); fault.Of(err) != fault.Invalid || strings.Contains(fmt.Sprint(err), vkey) {
		t.Errorf("a public key as a secret one: got %v, want invalid and not the key", err)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add(newBook(f, 3).checkpoint(f).Note)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := merkle.ParseCheckpoint(b)
		if err == nil && (c.Size < 0 || c.Origin == "" || len(c.Signed) > 0 || !bytes.HasPrefix(b, fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root))) {
			t.Errorf("%q was read as %+v", b, c)
		}
	})
}
