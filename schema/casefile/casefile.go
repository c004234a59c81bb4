// Package casefile holds portable case files: one signed archive with a whole
// case, which another installation imports as prior assessment and a court reads
// without our software.
//
// A case file is a ZIP. Its files are stored, not compressed, in this order, with
// a constant date, so that equal facts give equal bytes and an archive is never
// larger inside than outside:
//
//	README.txt             what this is and how to check it, in Estonian and English
//	case.json              the case: canonical JSON (RFC 8785), see Case
//	case.html              the case for people, without scripts
//	case.schema.json       JSON Schema 2020-12 of case.json
//	standard.json          the standard version, whose SHA-256 case.json names
//	procedure.json         the procedure version, the same
//	evidence/<item>.<ext>  each piece of evidence, as it was submitted
//	salts.json             name of a record -> its salt in hexadecimal digits
//	log/entries.jsonl      the audit rows of the case as they stand in the log, one a line
//	log/events.jsonl       the facts that the rows recorded, as published, one a line
//	log/rows.jsonl         the rows that were recorded, as the log has their digests, one a line
//	log/<row>.tlog-proof   proof of inclusion of a row (C2SP tlog-proof)
//	log/keys               verifier keys of the logs and of the signer, one a line
//	checksums              SHA-256 of each file above, as sha256sum writes it
//	signature              a signed note (C2SP signed-note) on checksums
//
// A salted digest is SHA-256 over the salt and then the SHA-256 of the bytes: the
// latter stands in checksums. The text of the
// note is three lines: "kutse case file v1", the origin, the SHA-256 of checksums.
//
// What is signed is what the origin vouches for; whom to believe is the receiver's
// choice (Trust). A case file holds personal data in the clear: it is handed to
// whoever may read the case, and lies nowhere else but under the person's seal.
package casefile

import (
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/evidence"
)

// The names in an archive that are always the same.
const (
	readmeFile    = "README.txt"
	caseFile      = "case.json"
	htmlFile      = "case.html"
	schemaFile    = "case.schema.json"
	standardFile  = "standard.json"
	procedureFile = "procedure.json"
	saltsFile     = "salts.json"
	entriesFile   = "log/entries.jsonl"
	eventsFile    = "log/events.jsonl"
	rowsFile      = "log/rows.jsonl"
	keysFile      = "log/keys"
	checksumsFile = "checksums"
	signatureFile = "signature"
)

// MediaType is what a case file is served as.
const MediaType = "application/vnd.kutse.case+zip"

// File is what a case file is written from.
type File struct {
	Case Case
	// Standard and Procedure are the canonical JSON of the pinned versions, byte for
	// byte: their SHA-256 are the digests in Case.
	Standard, Procedure []byte
	// Evidence opens the bytes of a piece of evidence as submitted. It is asked twice
	// for each piece that is not erased: to check, before anything is written, and to write.
	Evidence func(EvidenceItem) (io.ReadCloser, error)
	// Salts maps the name of a record, as in evidence.<item>, to its salt. Those of
	// the evidence that is not erased must be there.
	Salts map[string]canon.Salt
	// Entries are the leaves of the log, one for each row of Case.Timeline, in its order.
	Entries [][]byte
	// Events are the facts that the rows recorded, as published. They tie the digests
	// and outcomes of the case to the log; without them only the rows are.
	Events [][]byte
	// Rows are the rows that the acts recorded, as RowLine writes them. They tie all
	// that is not sealed to the log: outcomes, assessors, times. Where there is one,
	// there is one for each fact of Case.
	Rows [][]byte
	// Proofs maps the id of an audit row to its tlog-proof. A row that is not sealed
	// yet has none.
	Proofs map[string][]byte
	// Keys are verifier keys: of the logs that the proofs are from, and of the signer.
	Keys []string
}

// Erased reports whether any text or file of the person is no longer there.
func (c Case) Erased() bool {
	if c.Candidate.Erased {
		return true
	}
	for _, e := range c.Evidence {
		if e.Erased {
			return true
		}
	}
	return false
}

// EvidencePath is where a piece of evidence stands in the archive: the name is the
// item's id, never the candidate's.
func EvidencePath(id evidence.ItemID, kind evidence.Kind, mediaType string) string {
	ext := ".txt"
	if kind == evidence.File {
		ext = extension(mediaType)
	}
	return "evidence/" + string(id) + ext
}

// extensions are those of the media types that a file's content can show
// (mimesniff.spec.whatwg.org). A page or a drawing that may carry scripts gets
// .txt: a double click in an unpacked case file must run nothing.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".txt", "text/xml": ".txt", "image/svg+xml": ".txt",
	"application/pdf": ".pdf", "application/postscript": ".ps",
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp", "image/x-icon": ".ico",
	"audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/aiff": ".aiff", "audio/basic": ".au", "audio/midi": ".mid",
	"application/ogg": ".ogg", "video/mp4": ".mp4", "video/webm": ".webm", "video/avi": ".avi",
	"application/zip": ".zip", "application/x-gzip": ".gz", "application/x-rar-compressed": ".rar",
	"font/ttf": ".ttf", "font/otf": ".otf", "font/woff": ".woff", "font/woff2": ".woff2",
}

func extension(mediaType string) string {
	base, _, _ := strings.Cut(mediaType, ";")
	if ext, ok := extensions[strings.ToLower(strings.TrimSpace(base))]; ok {
		return ext
	}
	return ".bin"
}

func proofPath(row string) string { return "log/" + row + ".tlog-proof" }

// token is what may stand as an id in a path of the archive.
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// host is what may stand as an origin: a line of a note, and the beginning of the
// names of keys, in which a space or a + has another meaning.
var host = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:_-]{0,199}$`)

// speaksFor says whether a key of that name is the origin's own.
func speaksFor(name, origin string) bool {
	return name == origin || strings.HasPrefix(name, origin+"/")
}

// noteText is what the signature is on.
func noteText(origin, checksums string) string {
	return "kutse case file v1\n" + origin + "\n" + checksums + "\n"
}

// keyring reads verifier keys, each once: note takes a key twice for two that it
// cannot tell apart.
func keyring(vkeys []string) ([]note.Verifier, error) {
	var ring []note.Verifier
	for i, k := range vkeys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(vkeys[:i], k) {
			ring = append(ring, v)
		}
	}
	return ring, nil
}
