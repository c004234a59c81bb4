package casefile_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestACaseFileComesBackWholeAndVerifies(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	a := open(t, b)
	r := a.Verify(s.trust())
	if !r.Sound() || !r.Trusted() {
		t.Fatalf("got %+v, want sound and trusted", r)
	}
	if r.Origin != origin || r.Signer.Name != origin || len(r.Proven) != len(s.Entries) || len(r.Unproven) != 0 {
		t.Errorf("got %+v", r)
	}
	for _, p := range r.Proven {
		if !p.Trusted || p.Log != origin+"/audit/2026" {
			t.Errorf("row %s is proven by %q, trusted %v", p.Row, p.Log, p.Trusted)
		}
	}
	got, err := a.Case()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Case, got); diff != "" {
		t.Errorf("the case came back otherwise (-want +got):\n%s", diff)
	}
	for _, e := range got.Evidence {
		file, err := a.Evidence(e)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(file)
		if err != nil || !bytes.Equal(content, s.bytes[e.ID]) {
			t.Errorf("evidence %s is %q, %v; want %q", e.ID, content, err, s.bytes[e.ID])
		}
	}
}

func TestWrittenAgainItIsTheSame(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	first := s.write(t)
	if second := s.write(t); !bytes.Equal(first, second) {
		t.Error("the same case gave two archives")
	}
	f, err := open(t, first).File()
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := casefile.Write(&again, f, s.signer); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again.Bytes()) {
		t.Error("read and written again, it is another archive")
	}
}

// The bytes of an archive are the same in every version of Go and of this software:
// where this fails, archives of before no longer open, or export no longer equals.
func TestTheLayoutStays(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	var got strings.Builder
	a := open(t, b)
	for _, name := range a.Files() {
		r, err := a.Reader(name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%s %7d %s\n", canon.Sum(content), len(content), name)
	}
	fmt.Fprintf(&got, "%s %7d the archive\n", canon.Sum(b), len(b))
	golden(t, "layout.txt", []byte(got.String()))
	for _, name := range []string{"case.json", "case.html"} {
		r, _ := a.Reader(name)
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, content)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("KUTSE_UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; KUTSE_UPDATE=1 writes it anew):\n%s", file, diff)
	}
}

// People open it with what they have: the ZIP is read by code that is not ours.
func TestOtherProgramsReadIt(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	b := s.write(t)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if got := open(t, b).Files(); !slices.Equal(got, names) {
		t.Errorf("got the files %v, archive/zip sees %v", got, names)
	}
	if sha256sum, err := exec.LookPath("sha256sum"); err == nil {
		check := exec.CommandContext(t.Context(), sha256sum, "-c", "checksums")
		check.Dir = dir
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("sha256sum -c checksums: %v\n%s", err, out)
		}
	}
	if unzip, err := exec.LookPath("unzip"); err == nil {
		file := filepath.Join(dir, "case.zip")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), unzip, "-t", file).CombinedOutput(); err != nil {
			t.Errorf("unzip -t: %v\n%s", err, out)
		}
	}
}

func TestAnEmptyCase(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	c := s.Case
	c.Evidence, c.Rounds, c.Verdicts, c.Findings, c.Proposals, c.Decisions, c.Entry, c.Prior, c.Timeline = nil, nil, nil, nil, nil, nil, nil, nil, nil
	c.State = "gathering"
	s.File.Case, s.Salts, s.Entries, s.Events, s.Rows, s.Proofs = c, nil, nil, nil, nil, nil
	a := open(t, s.write(t))
	if r := a.Verify(s.trust()); !r.Trusted() {
		t.Errorf("got %+v, want trusted", r)
	}
	if got := casefile.Matrix(c); got != nil {
		t.Errorf("the matrix of an empty case is %v", got)
	}
}

func TestAnErasedPersonIsSaidToBeErased(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	c := &s.Case
	c.Candidate = casefile.Candidate{ID: c.Candidate.ID, Erased: true}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		e.Salt, e.File, e.Text, e.Link, e.Erased = nil, "", "", "", true
	}
	for i := range c.Verdicts {
		c.Verdicts[i].Erased, c.Verdicts[i].Reason = c.Verdicts[i].Reason != "", ""
	}
	c.Decisions[0].Grounds, c.Decisions[0].Erased = "", true
	s.Salts = nil
	b := s.write(t)
	a := open(t, b)
	if r := a.Verify(s.trust()); !r.Trusted() {
		t.Errorf("got %+v, want trusted: the log stands without the texts", r)
	}
	page, err := a.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "kustutatud / erased"); n != 7 { // name, 3 pieces, 2 reasons, grounds
		t.Errorf("the page says %d times that something was erased, want 7", n)
	}
	for _, planted := range []string{"Žürii", "öövaikuses", "näide.ee", "%PDF", "Näidis puudub", "Kõik on tõendatud"} {
		if bytes.Contains(b, []byte(planted)) {
			t.Errorf("%q is still there", planted)
		}
	}
}

func TestThePageRunsNothingAndSaysAll(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	page, err := casefile.HTML(s.Case, casefile.ReadStandard(s.Standard, s.Case.Standard.Digest))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, bad := range []string{"<script", "<img", "<link", "onerror", "src="} {
		if strings.Contains(strings.ToLower(text), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{
		"Õnne Žürii-Põld", "onne@näide.ee", "juhendab töötajaid", "Näidis puudub, öelge täpsemalt.", "Väga hea.", "Kõik on tõendatud.", "KutS § 18",
		"1-000042", "2031-03-26", "&lt;script&gt;", "https://näide.ee/töö?a=1&amp;b=2", uuid(2, 3) + ".pdf", uuid(7, 1), "teine.example.ee", "com-1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if strings.Contains(text, "ZgotmplZ") {
		t.Error("html/template refused a value")
	}
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	s := newSample(t)
	s.judge(5, indicator("B.2.10/1"), "", "not_yet_shown", "Pole arendust.")
	want := []casefile.MatrixRow{
		{Competence: "B.2.3", Weighed: true, Met: true, Cells: []casefile.MatrixCell{
			{Indicator: indicator("B.2.3/1"), Outcome: "shown", Assessor: "asr-1", At: after(32)},
			{Indicator: indicator("B.2.3/2"), Outcome: "shown", Reason: "Väga hea.", Assessor: "asr-1", At: after(33)},
		}},
		{Competence: "B.2.9", Cells: []casefile.MatrixCell{{Indicator: indicator("B.2.9/1"), Context: "B.2.3", Outcome: "shown", Assessor: "asr-1", At: after(34)}}},
		{Competence: "B.2.10", Cells: []casefile.MatrixCell{{Indicator: indicator("B.2.10/1"), Outcome: "not_yet_shown", Reason: "Pole arendust.", Assessor: "asr-1", At: after(35)}}},
	}
	if diff := cmp.Diff(want, casefile.Matrix(s.Case)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatWouldNotVerifyIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*sample)
		says  string
	}{
		"evidence changed":             {func(s *sample) { s.bytes[s.Case.Evidence[2].ID] = []byte("%PDF-1.7\x00\xfe õ") }, "is not what was recorded"},
		"evidence longer":              {func(s *sample) { s.bytes[s.Case.Evidence[2].ID] = append(s.bytes[s.Case.Evidence[2].ID], 0) }, "is not what was recorded"},
		"text otherwise in the case":   {func(s *sample) { s.Case.Evidence[0].Text = strings.ToUpper(s.Case.Evidence[0].Text) }, "does not fit|not the text or link"},
		"another standard":             {func(s *sample) { s.Standard = []byte("{}") }, "standard.json"},
		"another procedure":            {func(s *sample) { s.Procedure = []byte("{}") }, "procedure.json"},
		"salt missing":                 {func(s *sample) { delete(s.Salts, "evidence."+uuid(2, 1)) }, "salts.json"},
		"a verdict left out":           {func(s *sample) { s.Case.Verdicts = s.Case.Verdicts[1:] }, "is left out"},
		"a verdict made up":            {func(s *sample) { s.Case.Verdicts[0].ID = uuid(4, 99) }, "in no entry of the log"},
		"a decision turned":            {func(s *sample) { s.Case.Decisions[0].Outcome = "refuse" }, "does not say what event"},
		"a verdict turned":             {func(s *sample) { s.Case.Verdicts[2].Outcome, s.Case.Verdicts[2].Reason = "not_yet_shown", "Ei." }, "another outcome"},
		"another assessor":             {func(s *sample) { s.Case.Verdicts[2].Assessor = "asr-9" }, "another assessor"},
		"another time":                 {func(s *sample) { s.Case.Verdicts[2].At = after(999) }, "another at"},
		"saw less":                     {func(s *sample) { s.Case.Verdicts[2].Saw = s.Case.Verdicts[2].Saw[1:] }, "another saw"},
		"a finding turned":             {func(s *sample) { s.Case.Findings[0].Met = false }, "another met"},
		"a finding made up":            {func(s *sample) { s.Case.Findings[0].Competence = "B.2.10" }, "finding"},
		"asked for less":               {func(s *sample) { s.Case.Rounds[0].Asked = s.Case.Rounds[0].Asked[1:] }, "another asked"},
		"a row of the record left out": {func(s *sample) { s.Rows = s.Rows[1:] }, "rows.jsonl"},
		"a row of the record changed":  {func(s *sample) { s.Rows[0] = bytes.Replace(s.Rows[0], []byte("00ff"), []byte("00fe"), 1) }, "rows.jsonl"},
		"an event left out":            {func(s *sample) { s.Events = s.Events[1:] }, "events.jsonl"},
		"an event changed":             {func(s *sample) { s.Events[0] = append(s.Events[0], ' ') }, "events.jsonl"},
		"a row told otherwise":         {func(s *sample) { s.Case.Timeline[0].Actor = "c-other" }, "entries.jsonl"},
		"a row less":                   {func(s *sample) { s.Case.Timeline = s.Case.Timeline[1:] }, "entries.jsonl"},
		"a row of another case":        {func(s *sample) { s.Case.Application = "other" }, "about another case"},
		"a proof of another row":       {func(s *sample) { s.Proofs["other"] = nil }, "not in the timeline"},
		"a verdict on nothing":         {func(s *sample) { s.Case.Verdicts[0].Saw[0] = canon.Sum(nil) }, "not there"},
		"no reason for not yet":        {func(s *sample) { s.Case.Verdicts[0].Reason = "" }, "needs a reason"},
		"local time":                   {func(s *sample) { s.Case.OpenedAt = s.Case.OpenedAt.In(tallinn) }, "UTC"},
		"signer of another host":       {func(s *sample) { s.Case.Origin = "teine.example.ee" }, "does not speak for"},
		"key of the signer not along":  {func(s *sample) { s.Keys = s.Keys[:1] }, "verifier key"},
		"an id that is a path":         {func(s *sample) { s.Case.Evidence[0].ID = "../x" }, "not an id"},
		"the same piece twice":         {func(s *sample) { s.Case.Evidence[1].ID = s.Case.Evidence[0].ID }, "not an id of its own"},
		"a name though erased":         {func(s *sample) { s.Case.Candidate.Erased = true }, "has a name"},
		"evidence erased, salt along":  {func(s *sample) { erase(&s.Case.Evidence[0]) }, "salts.json"},
		"register entry of no type":    {func(s *sample) { s.Case.Entry.Type = 4 }, "type 4"},
		"a file name of another place": {func(s *sample) { s.Case.Evidence[0].File = "case.json" }, "not the file"},
	} {
		s := newSample(t)
		c.spoil(s)
		var out bytes.Buffer
		err := casefile.Write(&out, s.File, s.signer)
		if fault.Of(err) != fault.Invalid || !slices.ContainsFunc(strings.Split(c.says, "|"), func(w string) bool { return strings.Contains(fmt.Sprint(err), w) }) {
			t.Errorf("%s: got %v, want invalid with %q", name, err, c.says)
		}
		if out.Len() > 0 {
			t.Errorf("%s: %d bytes were written", name, out.Len())
		}
	}
}

func erase(e *casefile.EvidenceItem) {
	e.Salt, e.File, e.Text, e.Link, e.Erased = nil, "", "", "", true
}
