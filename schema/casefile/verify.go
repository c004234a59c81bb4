package casefile

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Trust is what the receiver believes. The zero Trust believes nobody: a case file
// can be sound under it, and is trusted by no one.
type Trust struct {
	Signers []string // verifier keys of installations whose case files are believed
	Logs    []string // verifier keys of logs that are believed
}

// Report is what Verify found.
type Report struct {
	Format   int       `json:"format"` // of case.json
	Origin   string    `json:"origin"`
	Files    int       `json:"files"`
	Signer   Signer    `json:"signer"`
	Proven   []Proven  `json:"proven,omitempty"`   // audit rows whose proof holds
	Unproven []string  `json:"unproven,omitempty"` // audit rows that came without a proof
	Problems []Problem `json:"problems,omitempty"`
}

// Signer is whose signature is on the case file.
type Signer struct {
	Name    string `json:"name,omitempty"`
	Valid   bool   `json:"valid"`   // the signature is right for the key of that name
	Trusted bool   `json:"trusted"` // and the key is one that the receiver believes
}

// Proven is an audit row that is in a log.
type Proven struct {
	Row     string `json:"row"`
	Log     string `json:"log"`     // origin
	Trusted bool   `json:"trusted"` // signed with a key of the log that the receiver believes
}

// Sound says that nothing was changed since it was signed, and that the parts
// agree. It does not say that the signer is to be believed.
func (r Report) Sound() bool { return len(r.Problems) == 0 && r.Signer.Valid }

// Trusted says that the case file is sound and the receiver believes its signer.
func (r Report) Trusted() bool { return r.Sound() && r.Signer.Trusted }

func (r *Report) wrong(file, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// Verify checks the whole case file: the signature, each file against the
// checksums, the case against the standard, the procedure, the evidence and the
// log, each proof against the log's key. Every problem names the file that it is in.
//
// A case.json of a later format is one problem, which says the version that is
// needed; signature and checksums are checked all the same, so that the receiver
// knows whether case.html is what was signed.
func (a *Archive) Verify(trust Trust) Report {
	r := Report{Files: len(a.members)}
	checksums, err := a.bytes(checksumsFile)
	if err != nil {
		r.wrong(checksumsFile, "%v", err)
		return r
	}
	a.signature(&r, trust, canon.Sum(checksums))
	if !a.sums(&r, string(checksums)) {
		return r // what is in a changed file says nothing
	}
	f, err := a.File()
	if err != nil {
		r.wrong(a.blame(err), "%s", words(err))
		return r
	}
	r.Format = f.Case.Format
	if r.Origin != f.Case.Origin {
		r.wrong(caseFile, "its origin is %s, the signature is for %q", f.Case.Origin, r.Origin)
	}
	if got := a.Files(); !slices.Equal(got, f.expected()) {
		r.wrong("", "the archive has the files %v, the case asks for %v", got, f.expected())
	}
	c := f.contents()
	r.Problems = append(r.Problems, c.check()...)
	a.evidence(&r, f.Case)
	proofs(&r, f, trust)
	return r
}

// words are those for people, where there are some.
func words(err error) string {
	if m := fault.Message(err); m != "" {
		return m
	}
	return err.Error()
}

// blame finds the file that an error of File is about.
func (a *Archive) blame(err error) string {
	for _, name := range a.Files() {
		if strings.HasPrefix(words(err), name) {
			return name
		}
	}
	return caseFile
}

// signature reads who signed, and what for.
func (a *Archive) signature(r *Report, trust Trust, checksums canon.Digest) {
	msg, err := a.bytes(signatureFile)
	if err != nil {
		r.wrong(signatureFile, "%v", err)
		return
	}
	keys, err := a.Keys()
	if err != nil {
		r.wrong(keysFile, "%s", words(err))
		return
	}
	along, err := keyring(keys)
	if err != nil {
		r.wrong(keysFile, "a verifier key cannot be read: %v", err)
		return
	}
	believed, err := keyring(trust.Signers)
	if err != nil {
		r.wrong("", "a verifier key that is to be believed cannot be read: %v", err)
		return
	}
	trusted := true
	n, err := note.Open(msg, note.VerifierList(believed...))
	if err != nil {
		trusted = false
		n, err = note.Open(msg, note.VerifierList(along...))
	}
	if err != nil {
		r.wrong(signatureFile, "it cannot be verified: %v", err)
		return
	}
	text, ok := strings.CutPrefix(n.Text, "kutse case file v1\n")
	origin, digest, _ := strings.Cut(text, "\n")
	r.Origin, r.Signer.Name = origin, n.Sigs[0].Name
	switch {
	case !ok || n.Text != noteText(origin, strings.TrimSuffix(digest, "\n")) || !host.MatchString(origin):
		r.wrong(signatureFile, "it is on another kind of text")
	case len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0:
		r.wrong(signatureFile, "a case file has one signature, this has %d", len(n.Sigs)+len(n.UnverifiedSigs))
	case !speaksFor(n.Sigs[0].Name, origin):
		r.wrong(signatureFile, "the key %s does not speak for %s", n.Sigs[0].Name, origin)
	case digest != checksums.String()+"\n":
		r.wrong(checksumsFile, "it is not what was signed")
	default:
		r.Signer.Valid, r.Signer.Trusted = true, trusted
	}
}

// sums holds every file to the checksums, and the checksums to the files: the same
// ones, in the same order, and no other.
func (a *Archive) sums(r *Report, checksums string) bool {
	var want strings.Builder
	good := true
	for _, m := range a.members {
		if m.name == checksumsFile || m.name == signatureFile {
			continue
		}
		sum, err := a.sum(m.name)
		if err != nil {
			r.wrong(m.name, "%s", words(err))
			good = false
			continue
		}
		line := fmt.Sprintf("%s  %s\n", sum, m.name)
		want.WriteString(line)
		if !strings.Contains("\n"+checksums, "\n"+line) {
			r.wrong(m.name, "it was changed, or is not in the checksums: its SHA-256 is %s", sum)
			good = false
		}
	}
	if good && want.String() != checksums {
		r.wrong(checksumsFile, "it lists files that are not there, or in another order")
		good = false
	}
	if good {
		good = a.read(r, checksumsFile) && a.read(r, signatureFile)
	}
	return good
}

func (a *Archive) read(r *Report, name string) bool {
	if _, err := a.bytes(name); err != nil {
		r.wrong(name, "%s", words(err))
		return false
	}
	return true
}

func (a *Archive) sum(name string) (canon.Digest, error) {
	file, err := a.Reader(name)
	if err != nil {
		return canon.Digest{}, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return canon.Digest{}, err
	}
	return canon.Digest(h.Sum(nil)), nil
}

// evidence holds the bytes to the salted digests that the log and the verdicts name.
func (a *Archive) evidence(r *Report, c Case) {
	for _, e := range c.Evidence {
		if e.Erased {
			continue
		}
		file, err := a.Reader(e.File)
		if err != nil {
			r.wrong(e.File, "%s", words(err))
			continue
		}
		h := sha256.New()
		n, err := io.Copy(h, file)
		if err != nil {
			r.wrong(e.File, "%s", words(err))
			continue
		}
		if n != e.Size || salted(*e.Salt, canon.Digest(h.Sum(nil))) != e.Digest {
			r.wrong(e.File, "its bytes with its salt do not have the digest %s that case.json names", e.Digest)
		}
	}
}
