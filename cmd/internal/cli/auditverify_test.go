package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// book is a log in memory, as a record keeps one.
type book struct {
	t          *testing.T
	year       int
	signer     merkle.Signer
	vkey       string
	entries    [][]byte
	hashes     []merkle.Hash
	nodes      map[[2]int64]merkle.Hash
	checkpoint merkle.Checkpoint
	act        string
}

func newBook(t *testing.T, year int) *book {
	t.Helper()
	skey, vkey, err := merkle.NewKey(merkle.Origin("kutse.test", year))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := merkle.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return &book{t: t, year: year, signer: signer, vkey: vkey, nodes: map[[2]int64]merkle.Hash{}, act: "decision.make"}
}

// add seals so many acts.
func (b *book) add(n int) {
	b.t.Helper()
	var hashes []merkle.Hash
	for i := len(b.entries); n > 0; i, n = i+1, n-1 {
		entry, err := merkle.Leaf{
			ID: fmt.Sprintf("%08d-0000-4000-8000-000000000000", i), Time: time.Date(b.year, 3, 2, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second),
			Act: b.act, Actor: "k1", Role: "com", Object: fmt.Sprint("d", i), Payload: canon.Sum(fmt.Append(nil, i)),
		}.Entry()
		if err != nil {
			b.t.Fatal(err)
		}
		b.entries = append(b.entries, entry)
		hashes = append(hashes, merkle.HashEntry(entry))
	}
	a, err := merkle.Append(b.t.Context(), b, int64(len(b.hashes)), hashes)
	if err != nil {
		b.t.Fatal(err)
	}
	b.hashes = append(b.hashes, hashes...)
	for _, node := range a.Nodes {
		b.nodes[[2]int64{int64(node.Level), node.N}] = node.Hash
	}
	b.checkpoint, err = merkle.Sign(merkle.Checkpoint{Origin: b.signer.Name(), Size: a.Size, Root: a.Root}, b.signer)
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) Tile(_ context.Context, level int, n int64, width int) ([]merkle.Hash, error) {
	if level == 0 {
		return b.hashes[n<<merkle.Height:][:width], nil
	}
	var out []merkle.Hash
	for i := range int64(width) {
		out = append(out, b.nodes[[2]int64{int64(level), n<<merkle.Height + i}])
	}
	return out, nil
}

func (b *book) Entries(_ context.Context, from, to int64) ([][]byte, error) {
	return b.entries[from:to], nil
}

func (b *book) publication() merkle.Publication {
	return merkle.Publication{Checkpoint: b.checkpoint.Note, Keys: []merkle.Key{{VKey: b.vkey}}}
}

func (b *book) publish(dir string) {
	b.t.Helper()
	if _, err := merkle.Publish(b.t.Context(), dir, b, b.publication()); err != nil {
		b.t.Fatal(err)
	}
}

// answer gives a door this log, for log.read, and its latest proof, for log.prove.
func (b *book) answer(d *door) {
	d.answers["log.keys"] = func(*nats.Msg) any {
		return request.LogKeys{Logs: []request.LogLine{{Origin: b.signer.Name(), Year: b.year, Size: b.checkpoint.Size, Keys: []string{b.vkey}}}}
	}
	d.answers["log.read"] = func(msg *nats.Msg) any {
		var q request.ReadLog
		if err := json.Unmarshal(msg.Data, &q); err != nil {
			return err
		}
		if q.Path == "logs" {
			return []byte(fmt.Sprintf("%04d\n", b.year))[min(q.Offset, 5):]
		}
		path, ofYear := strings.CutPrefix(q.Path, fmt.Sprintf("%04d/", b.year))
		file, err := merkle.File(b.t.Context(), b, b.publication(), path)
		if err != nil || !ofYear {
			return fault.NotFound.New("no %s", q.Path)
		}
		file = file[min(q.Offset, int64(len(file))):]
		return file[:min(len(file), 1000)]
	}
}

func TestAPublishedLogIsCheckedOffline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, old := newBook(t, 2026), newBook(t, 2025)
	old.add(3)
	old.publish(dir)
	b.add(300)
	b.publish(dir)
	kept, anchor := filepath.Join(t.TempDir(), "kept"), filepath.Join(t.TempDir(), "checkpoint")
	if err := os.CopyFS(kept, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(anchor, b.checkpoint.Note, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte(old.vkey+"\n"+b.vkey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.add(300)
	b.publish(dir)
	other := newBook(t, 2026)
	other.add(700)
	forged := filepath.Join(t.TempDir(), "forged")
	other.publish(forged)
	year := filepath.Join(dir, "2026")
	copied := t.TempDir()
	for _, name := range []string{"2026", "2027"} {
		if err := os.CopyFS(filepath.Join(copied, name), os.DirFS(year)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"by the keys beside it":          {[]string{dir}, 0, "compare them"},
		"with nothing to hold it to":     {[]string{dir}, 0, "consistent in itself"},
		"by a key, with nothing kept":    {[]string{year, "--key", b.vkey}, 0, "only an older copy shows"},
		"a copy in place of a year":      {[]string{copied, "--key", b.vkey}, 5, "what is published as 2027 is the log kutse.test/audit/2026"},
		"a key whose log is not there":   {[]string{forged, "--key", other.vkey, "--key", old.vkey}, 5, "kutse.test/audit/2025 is not there"},
		"the key of another log":         {[]string{year, "--key", b.vkey, "--key", old.vkey}, 0, "all is well"},
		"by a file of keys":              {[]string{dir, "--key", keys}, 0, "the keys that you have"},
		"one year by its key":            {[]string{year, "--key", b.vkey}, 0, "records      600"},
		"against a copy":                 {[]string{dir, "--key", keys, "--against", kept}, 0, "with 1 from before"},
		"against a checkpoint":           {[]string{year, "--against", anchor}, 0, "with 1 from before"},
		"a log made anew, by its keys":   {[]string{forged}, 0, "compare them"},
		"a log made anew, by a key":      {[]string{forged, "--key", keys}, 5, "not signed by a key you trust"},
		"a log made anew, by a copy":     {[]string{forged, "--against", kept}, 5, "record"},
		"a log that is not there":        {[]string{filepath.Join(dir, "nowhere")}, 4, "no log is published here"},
		"a year that was taken away":     {[]string{forged, "--key", other.vkey, "--against", kept}, 5, "kutse.test/audit/2025 is not there"},
		"against nothing of this log":    {[]string{filepath.Join(dir, "2025"), "--against", anchor}, 2, "nothing that --against names"},
		"by what is no key":              {[]string{dir, "--key", "nowhere"}, 2, "neither a verifier key"},
		"the older copy against the new": {[]string{kept, "--key", keys, "--against", dir}, 5, "record 300"},
	} {
		stdout, stderr, code := kutse(t.Context(), append([]string{"audit", "verify"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: exit %d, want %d with %q; said\n%s%s", name, code, c.code, c.says, stdout, stderr)
		}
		var got verification
		stdout, _, _ = kutse(t.Context(), append([]string{"audit", "verify", "--json"}, c.args...)...)
		if c.code == 0 && (json.Unmarshal([]byte(stdout), &got) != nil || !got.OK || len(got.Logs) == 0) {
			t.Errorf("%s: --json prints %s", name, stdout)
		}
	}
}

func TestAProofIsCheckedOffline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBook(t, 2026)
	b.add(300)
	proof, err := merkle.Prove(t.Context(), b, b.checkpoint, 7)
	if err != nil {
		t.Fatal(err)
	}
	bare := proof.Marshal()
	proof.Extra = b.entries[7]
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, without := file("whole", proof.Marshal()), file("bare", bare)
	right, wrong := file("right", append(b.entries[7], '\n')), file("wrong", b.entries[8])
	_, stranger, err := merkle.NewKey(b.signer.Name())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"with its entry in it":        {[]string{whole, "--key", b.vkey}, 0, "record 7 of kutse.test/audit/2026"},
		"with the entry in a file":    {[]string{without, "--key", b.vkey, "--entry", right}, 0, "decision.make"},
		"without any entry":           {[]string{without, "--key", b.vkey}, 2, "--entry FILE"},
		"with another entry":          {[]string{whole, "--key", b.vkey, "--entry", wrong}, 2, "does not hold this entry"},
		"by a key that did not sign":  {[]string{whole, "--key", stranger}, 3, "not signed by a key you trust"},
		"what is no proof":            {[]string{right, "--key", b.vkey}, 2, "a proof begins with"},
		"a proof that is not there":   {[]string{filepath.Join(dir, "x"), "--key", b.vkey}, 4, "no such proof"},
		"without a key to trust":      {[]string{whole}, 2, "--key"},
		"an entry that is not there ": {[]string{whole, "--key", b.vkey, "--entry", filepath.Join(dir, "x")}, 4, "no such entry"},
	} {
		stdout, stderr, code := kutse(t.Context(), append([]string{"audit", "check-proof"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%s: exit %d, want %d with %q; said\n%s%s", name, code, c.code, c.says, stdout, stderr)
		}
	}
}

func TestAnExportGoesOnAndOverwritesNothing(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	dir := filepath.Join(t.TempDir(), "log")
	b := newBook(t, 2026)
	b.add(300)
	b.answer(d)
	export := func() (string, string, int) {
		return kutse(t.Context(), "audit", "export", dir, "--as", "u1", "--nats", d.url)
	}
	for i, want := range []string{"7", "0"} { // 2 bundles, 3 tiles, checkpoint, keys
		stdout, stderr, code := export()
		if fields := strings.Fields(stdout); code != 0 || fields[len(fields)-1] != want {
			t.Errorf("export %d: exit %d, %s%s, want %s files written", i+1, code, stdout, stderr, want)
		}
	}
	b.add(300)
	if stdout, stderr, code := export(); code != 0 || !strings.Contains(stdout, "600") {
		t.Errorf("an export that goes on: exit %d, %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := kutse(t.Context(), "audit", "verify", dir, "--key", b.vkey); code != 0 {
		t.Errorf("what was exported does not verify: %s%s", stdout, stderr)
	}
	// The door's log becomes another one.
	other := newBook(t, 2026)
	other.signer, other.vkey = b.signer, b.vkey
	other.add(9)
	other.act = "another.act"
	other.add(691)
	other.answer(d)
	before, err := os.ReadFile(filepath.Join(dir, "2026", "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := export()
	after, err := os.ReadFile(filepath.Join(dir, "2026", "checkpoint"))
	if code != 5 || !strings.Contains(stderr, "record 9 ") || err != nil || string(after) != string(before) {
		t.Errorf("an export of another log: exit %d, %s%s, want 5 and record 9, and nothing overwritten (%v)", code, stdout, stderr, err)
	}
}

func TestAnExportSaysWhichRecordIsGone(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	b := newBook(t, 2026)
	b.add(20)
	b.entries[11] = nil
	b.answer(d)
	dir := t.TempDir()
	_, stderr, code := kutse(t.Context(), "audit", "export", dir, "--as", "u1", "--nats", d.url)
	if code != 0 || !strings.Contains(stderr, "record 11 of 2026 is not in the record any more") {
		t.Errorf("exit %d, %s, want record 11 named", code, stderr)
	}
	if stdout, stderr, code := kutse(t.Context(), "audit", "verify", dir, "--key", b.vkey); code != 5 || !strings.Contains(stderr, "record 11 ") {
		t.Errorf("verify: exit %d, %s%s, want record 11 named", code, stdout, stderr)
	}
}
