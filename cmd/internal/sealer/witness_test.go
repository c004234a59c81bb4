package sealer

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// strictWitness does what c2sp.org/tlog-witness asks of a witness, and signs with
// torchwood, which shares nothing with ours. The real one there is (torchwood's
// litewitness) wants an ssh-agent and a database filled by a program whose sources
// are not served here.
type strictWitness struct {
	*httptest.Server
	t      *testing.T
	signer *torchwood.CosignatureSigner

	mu    sync.Mutex
	logs  map[string]string // verifier key by origin: the logs it knows
	seen  map[string]tlog.Tree
	asked int
	away  bool
}

func newWitness(t *testing.T) *strictWitness {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := torchwood.NewCosignatureSigner("witness.test/w", key)
	if err != nil {
		t.Fatal(err)
	}
	w := &strictWitness{t: t, signer: signer, logs: map[string]string{}, seen: map[string]tlog.Tree{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.add)
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Close)
	return w
}

func (w *strictWitness) vkey() string { return w.signer.Verifier().String() }

func (w *strictWitness) knows(origin, vkey string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[origin] = vkey
}

func (w *strictWitness) setAway(away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = away
}

func (w *strictWitness) add(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	body, err := io.ReadAll(r.Body)
	head, signed, found := strings.Cut(string(body), "\n\n")
	lines := strings.Split(head, "\n")
	size, isOld := strings.CutPrefix(lines[0], "old ")
	old, err2 := strconv.ParseInt(size, 10, 64)
	switch {
	case w.away:
		http.Error(rw, "later", http.StatusServiceUnavailable)
		return
	case err != nil || err2 != nil || !found || !isOld || old < 0 || len(lines) > 64:
		http.Error(rw, "malformed", http.StatusBadRequest)
		return
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			http.Error(rw, "malformed", http.StatusBadRequest)
			return
		}
		proof = append(proof, h)
	}
	origin, _, _ := strings.Cut(signed, "\n")
	vkey, known := w.logs[origin]
	if !known {
		http.Error(rw, "unknown log", http.StatusNotFound)
		return
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		w.t.Error(err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		http.Error(rw, "no trusted signature", http.StatusForbidden)
		return
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil || old > c.N {
		http.Error(rw, "malformed", http.StatusBadRequest)
		return
	}
	last := w.seen[origin]
	if last.N != old {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(http.StatusConflict)
		fmt.Fprintf(rw, "%d\n", last.N)
		return
	}
	if old == 0 && len(proof) > 0 || old > 0 && old < c.N && tlog.CheckTree(proof, c.N, c.Hash, old, last.Hash) != nil || old == c.N && old > 0 && (len(proof) > 0 || last.Hash != c.Hash) {
		http.Error(rw, "not consistent", http.StatusUnprocessableEntity)
		return
	}
	w.seen[origin] = c.Tree
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		w.t.Error(err)
	}
	_, _ = rw.Write([]byte(strings.TrimPrefix(string(cosigned), n.Text+"\n")))
}

func (w *strictWitness) witness() Witness {
	w.t.Helper()
	ours, err := NewWitness(w.URL+"/", w.vkey())
	if err != nil {
		w.t.Fatal(err)
	}
	return ours
}

// cosigned is the size of the published checkpoint if the witness signed it; else 0.
func (h *house) cosigned(w *strictWitness) int64 {
	signed, err := os.ReadFile(filepath.Join(string(h.published()), "checkpoint"))
	if err != nil {
		return 0
	}
	n, err := note.Open(signed, note.VerifierList(w.signer.Verifier()))
	if err != nil {
		return 0
	}
	c, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil {
		h.Fatal(err)
	}
	return c.N
}

func TestAWitnessSignsWhatItSawGrow(t *testing.T) {
	t.Parallel()
	h, w := newHouse(t), newWitness(t)
	origin := merkle.Origin("kutse.test", year())
	first, err := h.ring().Signing(year(), "")
	if err != nil {
		t.Fatal(err)
	}
	w.knows(origin, first.Now.VKey)
	s := h.sealer(h.Store)
	s.Witnesses = []Witness{w.witness()}
	stop := h.run(s)
	for range 3 {
		rows := h.act(2)
		await(t, "the witness's signature on the published checkpoint", func() bool { return h.cosigned(w) == rows })
	}
	w.setAway(true) // holds up neither sealing nor publishing
	rows := h.act(2)
	h.awaitPublished(rows)
	await(t, "the sealer to say that the witness is away", func() bool { return h.log.has("does not sign") })
	w.setAway(false)
	await(t, "the witness to sign again", func() bool { return h.cosigned(w) == rows })
	stop()

	// What is kept of the witness tells another run where to go on; and a witness that
	// kept more than we remember says so.
	rows = h.act(1)
	again := h.sealer(h.Store)
	again.Witnesses = []Witness{w.witness()}
	h.run(again)
	await(t, "the witness to sign after a new start", func() bool { return h.cosigned(w) == rows })
	if report := h.verify(merkle.Options{Keys: []string{first.Now.VKey}}); !report.OK() {
		t.Errorf("with signatures of a witness: %v", report.Faults)
	}
}

func TestAWitnessThatSawAnotherLogIsHeard(t *testing.T) {
	t.Parallel()
	h, w := newHouse(t), newWitness(t)
	origin := merkle.Origin("kutse.test", year())
	h.act(3)
	await(t, "everything to be sealed", func() bool {
		if _, err := h.Seal(t.Context(), h.ring()); err != nil {
			t.Fatal(err)
		}
		lag, err := h.Lag(t.Context())
		return err == nil && lag == 0
	})
	p, err := h.Publication(t.Context(), year())
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.ParseCheckpoint(p.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	w.knows(origin, p.Keys[0].VKey)
	ours := w.witness()
	for name, seen := range map[string]tlog.Tree{
		"longer":       {N: c.Size + 1, Hash: tlog.RecordHash([]byte("x"))},
		"another":      {N: 2, Hash: tlog.RecordHash([]byte("x"))},
		"as long":      {N: c.Size, Hash: tlog.RecordHash([]byte("x"))},
		"nothing yet ": {},
	} {
		w.mu.Lock()
		w.seen[origin] = seen
		w.mu.Unlock()
		lines, err := ours.Cosign(t.Context(), h.Record.Log(year()), c, 1)
		if seen.N == 0 {
			if err != nil || !strings.HasPrefix(lines, "— witness.test/w ") {
				t.Errorf("a witness that saw %s: %q, %v, want its signature", name, lines, err)
			}
			continue
		}
		if !errors.Is(err, fault.Conflict) || lines != "" {
			t.Errorf("a witness that saw one that was %s: %v, want conflict", name, err)
		}
	}
	_, stranger, err := merkle.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	w.knows(origin, stranger) // it trusts no key of ours
	if _, err := ours.Cosign(t.Context(), h.Record.Log(year()), c, 0); err == nil {
		t.Error("a witness that refuses is taken to have signed")
	}
}

func TestASignatureThatIsNotTheWitnesssIsNotKept(t *testing.T) {
	t.Parallel()
	w, other := newWitness(t), newWitness(t)
	skey, _, err := merkle.NewKey("kutse.test/audit/2031")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := merkle.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := merkle.Sign(merkle.Checkpoint{Origin: signer.Name(), Size: 1, Root: tlog.RecordHash([]byte("x"))}, signer)
	if err != nil {
		t.Fatal(err)
	}
	ours := w.witness()
	text, _, _ := strings.Cut(string(c.Note), "\n\n")
	by := func(s note.Signer, text string) string {
		n, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(string(n), text+"\n")
	}
	good := by(w.signer, text+"\n")
	if lines, err := ours.signed(c, []byte(good+by(other.signer, text+"\n"))); err != nil || lines != good {
		t.Errorf("of two signatures %q is kept (%v), want %q", lines, err, good)
	}
	for name, reply := range map[string]string{
		"nothing":         "",
		"of another":      by(other.signer, text+"\n"),
		"another's text":  by(w.signer, text+"\nmore\n"),
		"cut":             good[:len(good)-9] + "\n",
		"words":           "thank you\n",
		"a second note":   "\n" + good,
		"the log's own":   by(signer, text+"\n"),
		"a broken header": strings.Replace(good, "— ", "- ", 1),
	} {
		if lines, err := ours.signed(c, []byte(reply)); err == nil {
			t.Errorf("%s: kept %q", name, lines)
		}
	}
	for _, vkey := range []string{"", "w", "w+00000000+AQ==", signer.Name() + "+00000000+" + strings.Repeat("A", 44), strings.Replace(w.vkey(), "w+", "v+", 1)} {
		if _, err := NewWitness(w.URL, vkey); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q is taken for a witness's key (%v)", vkey, err)
		}
	}
}
