package casefile_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
)

// judged opens and verifies; "" for a case file that is sound and trusted.
func judged(b []byte, trust casefile.Trust) string {
	a, err := casefile.Open(bytes.NewReader(b), int64(len(b)), casefile.DefaultLimits())
	if err != nil {
		return err.Error()
	}
	if r := a.Verify(trust); !r.Trusted() {
		return fmt.Sprintf("%v %+v", r.Problems, r.Signer)
	}
	return ""
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	if why := judged(b, s.trust()); why != "" {
		t.Fatal(why)
	}
	workers, step := runtime.GOMAXPROCS(0), 1
	if testing.Short() {
		step = 13
	}
	var wait sync.WaitGroup
	for part := range workers {
		wait.Go(func() {
			b := bytes.Clone(b)
			for i := part * step; i < len(b); i += workers * step {
				bit := byte(1) << (i % 8)
				b[i] ^= bit
				if judged(b, s.trust()) == "" {
					t.Errorf("byte %d of %d: bit %#x flipped, and nothing is found", i, len(b), bit)
				}
				b[i] ^= bit
			}
		})
	}
	wait.Wait()
}

func TestAFlippedByteNamesItsFile(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	for _, name := range open(t, b).Files() {
		content := readFile(t, b, name)
		at := bytes.Index(b, append([]byte(name), content...)) + len(name) + len(content)/2
		b[at] ^= 0x20
		r := open(t, b).Verify(s.trust())
		if r.Sound() || !slices.ContainsFunc(r.Problems, func(p casefile.Problem) bool { return p.File == name }) {
			t.Errorf("a byte of %s is flipped, and the problems are %v", name, r.Problems)
		}
		b[at] ^= 0x20
	}
}

func TestACutOrLengthenedArchiveIsFound(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	for n := range len(b) {
		if n%97 == 0 && judged(b[:n], s.trust()) == "" {
			t.Errorf("cut to %d of %d bytes, and nothing is found", n, len(b))
		}
	}
	for _, more := range [][]byte{append(bytes.Clone(b), 0), append([]byte{0}, b...), append(bytes.Clone(b), b...)} {
		if judged(more, s.trust()) == "" {
			t.Errorf("%d bytes more, and nothing is found", len(more)-len(b))
		}
	}
}

func readFile(t testing.TB, b []byte, name string) []byte {
	t.Helper()
	r, err := open(t, b).Reader(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// forged is an archive of somebody who holds the signing key and changes files:
// the checksums and the signature are right.
func (s *sample) forged(t testing.TB, change func(name string, content []byte) []byte, more ...string) []byte {
	t.Helper()
	b := s.write(t)
	var files []casefile.RawFile
	var checksums strings.Builder
	for _, name := range append(open(t, b).Files(), more...) {
		if name == "checksums" || name == "signature" {
			continue
		}
		var content []byte
		if !slices.Contains(more, name) {
			content = readFile(t, b, name)
		}
		if content = change(name, content); content == nil {
			continue
		}
		files = append(files, casefile.RawFile{Name: name, Content: content})
		fmt.Fprintf(&checksums, "%s  %s\n", canon.Sum(content), name)
	}
	sums := []byte(checksums.String())
	signature, err := note.Sign(&note.Note{Text: "kutse case file v1\n" + origin + "\n" + canon.Sum(sums).String() + "\n"}, s.signer)
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, casefile.RawFile{Name: "checksums", Content: sums}, casefile.RawFile{Name: "signature", Content: signature})
	out, err := casefile.WriteRaw(files)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func replace(file, old, new string) func(string, []byte) []byte {
	return func(name string, content []byte) []byte {
		if name != file {
			return content
		}
		changed := bytes.Replace(content, []byte(old), []byte(new), 1)
		if bytes.Equal(changed, content) {
			panic(old + " is not in " + file)
		}
		return changed
	}
}

func drop(file string) func(string, []byte) []byte {
	return func(name string, content []byte) []byte {
		if name == file {
			return nil
		}
		return content
	}
}

// Whoever holds the key of an installation can sign anything. What the log and
// the digests hold is found all the same.
func TestWhatTheSignerHimselfChangesIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(string, []byte) []byte
		more   []string
		file   string // in which the problem is
	}{
		"evidence":               {change: replace("evidence/"+uuid(2, 3)+".pdf", "PDF", "pdf"), file: "evidence/" + uuid(2, 3) + ".pdf"},
		"text evidence":          {change: replace("evidence/"+uuid(2, 1)+".txt", "ülevaatlik", "ulevaatlik"), file: "evidence/" + uuid(2, 1) + ".txt"},
		"text in the case":       {change: replace("case.json", "ülevaatlik", "ülevaatlig"), file: "case.json"},
		"standard":               {change: replace("standard.json", "juhendab", "juhendas"), file: "standard.json"},
		"procedure":              {change: replace("procedure.json", "{", "{ "), file: "procedure.json"},
		"salt":                   {change: replace("salts.json", salt(1).String(), salt(9).String()), file: "salts.json"},
		"salts not canonical":    {change: replace("salts.json", ":", ": "), file: "salts.json"},
		"decision":               {change: replace("case.json", `"outcome":"award","proposal"`, `"outcome":"return","proposal"`), file: "case.json"},
		"register number":        {change: replace("case.json", `"number":"1-000042"`, `"number":"1-000043"`), file: "case.json"},
		"actor":                  {change: replace("case.json", `"actor":"asr-1"`, `"actor":"asr-2"`), file: "log/entries.jsonl"},
		"actor in the log":       {change: replace("log/entries.jsonl", `"actor":"asr-1"`, `"actor":"asr-2"`), file: "log/entries.jsonl"},
		"proof of another place": {change: replace("log/"+uuid(7, 2)+".tlog-proof", "index 3", "index 1"), file: "log/" + uuid(7, 2) + ".tlog-proof"},
		"proof that is none":     {change: replace("log/"+uuid(7, 2)+".tlog-proof", "c2sp", "c3sp"), file: "log/" + uuid(7, 2) + ".tlog-proof"},
		"word unknown":           {change: replace("case.json", `"format":1`, `"extra":1,"format":1`), file: "case.json"},
		"case not canonical":     {change: replace("case.json", `"format":1`, `"format": 1`), file: "case.json"},
		"another origin":         {change: replace("case.json", `"origin":"kutse.example.ee"`, `"origin":"teine.example.ee"`), file: "case.json"},
		"evidence left out":      {change: drop("evidence/" + uuid(2, 3) + ".pdf"), file: "evidence/" + uuid(2, 3) + ".pdf"},
		"a file more":            {change: func(_ string, b []byte) []byte { return append([]byte{}, b...) }, more: []string{"evidence/more.txt"}, file: ""},
		"events left out":        {change: replace("log/events.jsonl", "\n", "\n\n"), file: "log/events.jsonl"},
		"no case":                {change: drop("case.json"), file: "case.json"},
		"no keys":                {change: drop("log/keys"), file: "log/keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSample(t)
			r := open(t, s.forged(t, c.change, c.more...)).Verify(s.trust())
			if r.Sound() || !slices.ContainsFunc(r.Problems, func(p casefile.Problem) bool { return p.File == c.file }) {
				t.Errorf("got the problems %v, want one in %q", r.Problems, c.file)
			}
		})
	}
	s := newSample(t)
	if r := open(t, s.forged(t, func(_ string, b []byte) []byte { return b })).Verify(s.trust()); !r.Trusted() {
		t.Errorf("nothing is changed, and it says %v", r.Problems)
	}
}

func TestTheReceiverChoosesWhomToBelieve(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	a := open(t, s.write(t))
	other := newKey(t, origin, 77)
	for name, c := range map[string]struct {
		trust                casefile.Trust
		sound, trusted, logs bool
	}{
		"nobody":          {casefile.Trust{}, true, false, false},
		"the signer":      {casefile.Trust{Signers: []string{s.signer.vkey}}, true, true, false},
		"the log":         {casefile.Trust{Logs: []string{s.log.vkey}}, true, false, true},
		"somebody else":   {casefile.Trust{Signers: []string{other.vkey}, Logs: []string{other.vkey}}, true, false, false},
		"key of no shape": {casefile.Trust{Signers: []string{"x"}}, false, false, false},
	} {
		r := a.Verify(c.trust)
		if r.Sound() != c.sound || r.Trusted() != c.trusted || len(r.Proven) > 0 && r.Proven[0].Trusted != c.logs {
			t.Errorf("%s: got sound %v, trusted %v, %+v, %v", name, r.Sound(), r.Trusted(), r.Proven, r.Problems)
		}
	}
}

// Somebody makes a case file in the name of another installation, with a key of
// his own under its name: it is sound, and whoever knows the real key sees it.
func TestAKeyOfTheSameNameIsNotTrusted(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	real := s.signer.vkey
	s.signer = newKey(t, origin, 66)
	s.Keys = []string{s.log.vkey, s.signer.vkey}
	if r := open(t, s.write(t)).Verify(casefile.Trust{Signers: []string{real}}); r.Trusted() || r.Signer.Trusted {
		t.Errorf("got %+v, want not trusted", r)
	}
}

func TestRowsWithoutProofAreNamed(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	delete(s.Proofs, uuid(7, 4))
	r := open(t, s.write(t)).Verify(s.trust())
	if !r.Trusted() || !slices.Equal(r.Unproven, []string{uuid(7, 4)}) {
		t.Errorf("got %v, %v", r.Problems, r.Unproven)
	}
}

func TestOnlyTheOneShapeOfZipIsRead(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	var deflated bytes.Buffer
	z := zip.NewWriter(&deflated)
	w, err := z.Create("README.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	raw := func(names ...string) []byte {
		var files []casefile.RawFile
		for _, n := range names {
			files = append(files, casefile.RawFile{Name: n, Content: []byte(n)})
		}
		b, err := casefile.WriteRaw(files)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	small := casefile.Limits{Archive: 1 << 20, Files: 3, Evidence: 100, Other: 10}
	for name, c := range map[string]struct {
		b      []byte
		limits casefile.Limits
	}{
		"nothing":               {nil, small},
		"deflated":              {deflated.Bytes(), casefile.DefaultLimits()},
		"a folder above":        {raw("../x"), small},
		"a root":                {raw("/x"), small},
		"a drive":               {raw(`c:\x`), small},
		"a hidden file":         {raw(".x"), small},
		"twice":                 {raw("a", "a"), small},
		"twice on some systems": {raw("a", "A"), small},
		"a file and a folder":   {raw("a", "a/b"), small},
		"a folder and a file":   {raw("a/b", "a"), small},
		"too many":              {raw("a", "b", "c", "d"), small},
		"too large":             {raw("a-long-name"), small},
		"too large in all":      {s.write(t), casefile.Limits{Archive: 1000, Files: 100, Evidence: 1000, Other: 1 << 20}},
	} {
		if _, err := casefile.Open(bytes.NewReader(c.b), int64(len(c.b)), c.limits); fault.Of(err) != fault.Invalid {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
	if _, err := casefile.Open(bytes.NewReader(raw("a", "b/c")), int64(len(raw("a", "b/c"))), small); err != nil {
		t.Errorf("nothing is wrong, and it says %v", err)
	}
}

func TestAnUnknownStandardIsShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		standard string
		known    bool
		groups   int
		want     []string // in the page
	}{
		"a later form with groups": {
			`{"groups":[{"competences":[{"code":"B.2.3","statements":[{"ordinal":1,"text":"õpetab öösel","weight":0.5}],"title":"Õpe"}],"title":"Uus"}],"key":"proov-8","shape":"v9","title":"Tulevik","version":"9"}`,
			false, 1,
			[]string{"õpetab öösel", "Uus", "Tulevik", "v9", "teadmata|not known"},
		},
		"another shape": {`{"units":[{"name":"Üksus õ"}]}`, false, 0, []string{"Üksus õ", "not known"}},
		"no JSON":       {"\xffpaberil õ", false, 0, []string{"paberil õ"}},
		"groups of no shape": {
			`{"groups":[1,{"competences":[null,{"code":7,"statements":"õ"}]}],"key":[],"title":null}`, false, 2, []string{"õ"},
		},
	} {
		s := newSample(t)
		s.Standard = []byte(c.standard)
		s.Case.Standard.Digest = canon.Sum(s.Standard)
		a := open(t, s.write(t))
		if r := a.Verify(s.trust()); !r.Trusted() {
			t.Errorf("%s: %v", name, r.Problems)
		}
		std, err := a.Standard()
		if err != nil || (std.Known != nil) != c.known || len(std.Groups) != c.groups {
			t.Errorf("%s: got %+v, %v", name, std, err)
		}
		page, err := a.HTML()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range append(c.want, "Väga hea.") {
			if !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(string(page), w) }) {
				t.Errorf("%s: the page does not have %q", name, want)
			}
		}
	}
	s := newSample(t)
	if std, err := open(t, s.write(t)).Standard(); err != nil || std.Known == nil || std.Known.Title != "Proovija, tase 7" || std.Title != std.Known.Title {
		t.Errorf("our own standard: got %+v, %v", std, err)
	}
}

func TestALaterFormatSaysWhichVersionItNeeds(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.forged(t, replace("case.json", `"format":1`, `"format":2,"novelty":"õ"`))
	a := open(t, b)
	if _, err := a.Case(); fault.Of(err) != fault.Invalid || !strings.Contains(err.Error(), "format 2") || !strings.Contains(err.Error(), "case.html") {
		t.Errorf("got %v, want words about format 2 and case.html", err)
	}
	r := a.Verify(s.trust())
	if r.Sound() || !r.Signer.Trusted || len(r.Problems) != 1 || r.Problems[0].File != "case.json" {
		t.Errorf("got %+v, want one problem in case.json, signed by one who is trusted", r)
	}
	page, err := a.HTML()
	if err != nil || !bytes.Contains(page, []byte("Õnne Žürii-Põld")) {
		t.Errorf("the page is not readable: %v", err)
	}
}

// A large file goes through in pieces, when written, opened and verified.
func TestLargeEvidenceTakesLittleMemory(t *testing.T) {
	const size = 50 << 20
	s := newSample(t)
	zeros := func() io.Reader { return io.LimitReader(endless{}, size) }
	sa := salt(50)
	h := newSalted(sa)
	if _, err := io.Copy(h, zeros()); err != nil {
		t.Fatal(err)
	}
	id := evidence.ItemID(uuid(2, 50))
	s.Case.Evidence = append(s.Case.Evidence, casefile.EvidenceItem{
		ID: id, Kind: evidence.File, MediaType: "video/mp4", Digest: h.digest(), Salt: &sa, Size: size, At: after(9),
		File: casefile.EvidencePath(id, evidence.File, "video/mp4"),
	})
	s.Salts["evidence."+string(id)] = sa
	small := s.File.Evidence
	s.File.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
		if e.ID == id {
			return io.NopCloser(zeros()), nil
		}
		return small(e)
	}
	s.record(t)
	file := tempFile(t)
	var before, written, verified runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := casefile.Write(file, s.File, s.signer); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&written)
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := casefile.Open(file, info.Size(), casefile.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if r := a.Verify(s.trust()); !r.Trusted() {
		t.Errorf("got %v", r.Problems)
	}
	runtime.ReadMemStats(&verified)
	// everything that was allocated meanwhile, freed or not; other tests do not run beside this one
	if got := written.TotalAlloc - before.TotalAlloc; got > size/4 {
		t.Errorf("writing %d bytes allocated %d", size, got)
	}
	if got := verified.TotalAlloc - written.TotalAlloc; got > size/4 {
		t.Errorf("verifying %d bytes allocated %d", size, got)
	}
}
