package merkle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	tdlog "github.com/transparency-dev/formats/log"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/merkle"
)

// outsider reads a published log with libraries that share nothing with ours: the
// tree by transparency-dev/merkle, the checkpoint by its formats, the signature by
// the standard library.
type outsider struct {
	dir string
	tdlog.Checkpoint
}

func (o *outsider) open(vkey string) error {
	raw, err := os.ReadFile(filepath.Join(o.dir, "checkpoint"))
	if err != nil {
		return err
	}
	text, signatures, _ := bytes.Cut(raw, []byte("\n\n"))
	text = append(bytes.Clone(text), '\n')
	if _, err := o.Unmarshal(text); err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil {
		return err
	}
	fields := strings.Fields(string(signatures))
	sig, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return err
	}
	if fields[1] != o.Origin || !ed25519.Verify(key[1:], text, sig[4:]) {
		return fmt.Errorf("the checkpoint is not signed by %s", vkey)
	}
	return nil
}

// root is the root over all entries.
func (o *outsider) root() ([]byte, error) {
	hasher := rfc6962.DefaultHasher
	tree := (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0)
	for first := uint64(0); first < o.Size; first += 256 {
		name := fmt.Sprintf("%s/tile/entries/%03d", o.dir, first/256) // enough for what is tested
		if o.Size-first < 256 {
			name += fmt.Sprintf(".p/%d", o.Size-first)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			end := 2 + int(binary.BigEndian.Uint16(data))
			if end > len(data) {
				return nil, fmt.Errorf("%s ends within an entry", name)
			}
			if err := tree.Append(hasher.HashLeaf(data[2:end]), nil); err != nil {
				return nil, err
			}
			data = data[end:]
		}
	}
	if tree.End() != o.Size {
		return nil, fmt.Errorf("%d entries of %d are there", tree.End(), o.Size)
	}
	return tree.GetRootHash(nil)
}

func (o *outsider) verify(vkey string) error {
	if err := o.open(vkey); err != nil {
		return err
	}
	root, err := o.root()
	if err == nil && !bytes.Equal(root, o.Hash) {
		err = fmt.Errorf("the root of the entries is %x, signed is %x", root, o.Hash)
	}
	return err
}

func TestTransparencyDevAgrees(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 255, 256, 257, 700} {
		b := newBook(t, size)
		before := b.checkpoint(t)
		b.grow(t, 123)
		dir := b.publish(t, t.TempDir())
		o := &outsider{dir: dir}
		if err := o.verify(b.vkey()); err != nil {
			t.Fatalf("%d records: %v", size, err)
		}
		hashes, err := merkle.ProveTree(t.Context(), b, int64(size), int64(o.Size))
		if err != nil {
			t.Fatal(err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(size), o.Size, plain(hashes), before.Root[:], o.Hash); err != nil {
			t.Errorf("%d to %d records: %v", size, o.Size, err)
		}
		for _, at := range []int64{0, int64(size - 1), int64(o.Size - 1)} {
			p, err := merkle.Prove(t.Context(), merkle.HashesOf(merkle.Dir(dir), int64(o.Size)), b.checkpoint(t), at)
			if err != nil {
				t.Fatal(err)
			}
			var theirs tlogproof.TLogProof
			if err := theirs.Unmarshal(p.Marshal()); err != nil || theirs.Index != uint64(at) {
				t.Fatalf("the proof of record %d: %v", at, err)
			}
			var path [][]byte
			for _, h := range theirs.Hashes {
				path = append(path, h[:])
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, theirs.Index, o.Size, rfc6962.DefaultHasher.HashLeaf(b.entries[at]), path, o.Hash); err != nil {
				t.Errorf("record %d of %d: %v", at, o.Size, err)
			}
			if _, err := merkle.ParseProof(theirs.Marshal()); err != nil {
				t.Errorf("their proof of record %d: %v", at, err)
			}
		}
		edit(t, dir, "tile/entries/000"+partial(int(o.Size)), func(f []byte) []byte { f[20] ^= 1; return f })
		if err := (&outsider{dir: dir}).verify(b.vkey()); err == nil {
			t.Errorf("%d records: a flipped byte went unnoticed", size)
		}
	}
}

func partial(size int) string {
	if size < 256 {
		return fmt.Sprintf(".p/%d", size)
	}
	return ""
}

func plain(hashes []merkle.Hash) [][]byte {
	var out [][]byte
	for _, h := range hashes {
		out = append(out, h[:])
	}
	return out
}

// The client of another log ecosystem reads what we publish, over HTTP.
func TestTorchwoodReadsOurLog(t *testing.T) {
	t.Parallel()
	b := newBook(t, 256*3+100)
	dir := b.publish(t, t.TempDir())
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	read := func() (int, error) {
		fetcher, err := torchwood.NewTileFetcher(server.URL)
		if err != nil {
			return 0, err
		}
		signed, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
		if err != nil {
			return 0, err
		}
		c, err := torchwood.ParseCheckpoint(string(signed[:bytes.Index(signed, []byte("\n\n"))+1]))
		if err != nil || c.Origin != origin {
			return 0, fmt.Errorf("checkpoint %v: %w", c, err)
		}
		client, err := torchwood.NewClient(fetcher)
		if err != nil {
			return 0, err
		}
		n := 0
		for range 2 { // it leaves a partial bundle for the second time
			for i, e := range client.Entries(t.Context(), c.Tree, int64(n)) {
				if !bytes.Equal(e, b.entries[i]) {
					return n, fmt.Errorf("record %d is %q", i, e)
				}
				n++
			}
			if err := client.Err(); err != nil {
				return n, err
			}
		}
		e, path, err := client.Entry(t.Context(), c.Tree, 300)
		if err == nil {
			err = tlog.CheckRecord(path, c.N, c.Hash, 300, tlog.RecordHash(e))
		}
		return n, err
	}
	if n, err := read(); err != nil || n != len(b.entries) {
		t.Errorf("read %d of %d records: %v", n, len(b.entries), err)
	}
	edit(t, dir, "tile/entries/001", func(f []byte) []byte { f[20] ^= 1; return f })
	if n, err := read(); err == nil {
		t.Errorf("a flipped byte went unnoticed; %d records were read", n)
	}
}

// Another language, with nothing but its hash function.
func TestPythonAgrees(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 on this machine")
	}
	run := func(dir string, args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), python, append([]string{"testdata/verify.py", dir}, args...)...).CombinedOutput()
		return string(out), err
	}
	for _, size := range []int{0, 1, 256, 700, 256*256 + 300} {
		b := newBook(t, size)
		c := b.checkpoint(t)
		var positions []string
		for at := 0; at < size; at += 1 + size/3 {
			positions = append(positions, fmt.Sprint(at))
		}
		out, err := run(b.publish(t, t.TempDir()), append([]string{b.vkey()}, positions...)...)
		if want := fmt.Sprintf("%d records of %s, root %x\n", size, origin, c.Root[:]); err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%d records: got %s, %v; want %s", size, out, err, want)
		}
	}

	b := newBook(t, 700)
	forged := b.rebuilt(t, func(e [][]byte) [][]byte { return e })
	forged.rekey(t)
	for name, c := range map[string]struct {
		dir    string
		change func(dir string)
		want   string
	}{
		"a flipped byte in an entry": {b.publish(t, t.TempDir()), func(dir string) {
			edit(t, dir, "tile/entries/001", func(f []byte) []byte { f[20] ^= 1; return f })
		}, "record 256 "},
		"a flipped byte in a hash": {b.publish(t, t.TempDir()), func(dir string) {
			edit(t, dir, "tile/0/001", func(f []byte) []byte { f[44*32] ^= 1; return f })
		}, "record 300 "},
		"a flipped byte in a hash above": {b.publish(t, t.TempDir()), func(dir string) {
			edit(t, dir, "tile/1/000.p/2", func(f []byte) []byte { f[0] ^= 1; return f })
		}, "record 0: a hash over it"},
		"an entry taken out": {b.publish(t, t.TempDir()), func(dir string) {
			editBundle(t, dir, "tile/entries/001", func(e [][]byte) [][]byte { return append(e[:44:44], e[45:]...) })
		}, "record 300 "},
		"another size": {b.publish(t, t.TempDir()), func(dir string) {
			edit(t, dir, "checkpoint", func(f []byte) []byte { return bytes.Replace(f, []byte("\n700\n"), []byte("\n699\n"), 1) })
		}, "record"},
		"another key": {forged.publish(t, t.TempDir()), func(string) {}, "record 0: the checkpoint is not signed by the key"},
	} {
		c.change(c.dir)
		if out, err := run(c.dir, b.vkey()); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: got %s, %v; want %q", name, out, err, c.want)
		}
	}
}
