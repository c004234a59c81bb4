package merkle_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

func TestProofs(t *testing.T) {
	t.Parallel()
	b := newBook(t, 300)
	c := b.checkpoint(t)
	for _, at := range []int64{0, 255, 256, 299} {
		p, err := merkle.Prove(t.Context(), b, c, at)
		if err != nil {
			t.Fatal(err)
		}
		if at == 0 {
			p.Extra = []byte("extra")
		}
		back, err := merkle.ParseProof(p.Marshal())
		if err != nil || !bytes.Equal(back.Marshal(), p.Marshal()) || !bytes.Equal(back.Extra, p.Extra) {
			t.Fatalf("record %d: %q was read as %v, %v", at, p.Marshal(), back, err)
		}
		if got, err := back.Verify(b.entries[at], []string{b.vkey()}); err != nil || got.Size != 300 {
			t.Errorf("record %d: got %v, %v", at, got, err)
		}
		if _, err := back.Verify(b.entries[at^1], []string{b.vkey()}); fault.Of(err) != fault.Invalid {
			t.Errorf("record %d with another's entry: got %v, want invalid", at, err)
		}
		_, other := newKey(t)
		if _, err := back.Verify(b.entries[at], []string{other}); fault.Of(err) != fault.Forbidden {
			t.Errorf("record %d with another key: got %v, want forbidden", at, err)
		}
		back.Position = 300
		if _, err := back.Verify(b.entries[at], []string{b.vkey()}); fault.Of(err) != fault.Invalid {
			t.Errorf("record 300 of 300: got %v, want invalid", err)
		}
	}
	if _, err := merkle.Prove(t.Context(), b, c, 300); fault.Of(err) != fault.NotFound {
		t.Errorf("record 300 of 300: got %v, want not found", err)
	}
}

func TestWhatIsNoProof(t *testing.T) {
	t.Parallel()
	h := "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	for what, bad := range map[string]string{
		"nothing":            "",
		"another version":    "c2sp.org/tlog-proof@v2\nindex 0\n\nc\n",
		"no index":           "c2sp.org/tlog-proof@v1\n\nc\n",
		"no checkpoint":      "c2sp.org/tlog-proof@v1\nindex 0\n",
		"a negative index":   "c2sp.org/tlog-proof@v1\nindex -1\n\nc\n",
		"a leading zero":     "c2sp.org/tlog-proof@v1\nindex 00\n\nc\n",
		"half a hash":        "c2sp.org/tlog-proof@v1\nindex 0\nAQ==\n\nc\n",
		"too many hashes":    "c2sp.org/tlog-proof@v1\nindex 0\n" + strings.Repeat(h, 64) + "\nc\n",
		"extra that is none": "c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\nc\n",
		"extra and nothing":  "c2sp.org/tlog-proof@v1\nextra AA==\n\nc\n",
	} {
		if p, err := merkle.ParseProof([]byte(bad)); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %+v, %v; want invalid", what, p, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	b := newBook(f, 5)
	p, err := merkle.Prove(f.Context(), b, b.checkpoint(f), 2)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Marshal())
	p.Extra = []byte{}
	f.Add(p.Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := merkle.ParseProof(data)
		if err == nil && !bytes.Equal(p.Marshal(), data) {
			t.Errorf("%q was read and written as %q", data, p.Marshal())
		}
	})
}
