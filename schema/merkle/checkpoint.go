package merkle

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/kutse-dev/kutse/schema/fault"
)

// maxNote bounds a checkpoint with its signatures.
const maxNote = 64 << 10

// nextKey begins the line of a checkpoint that names the key to follow.
const nextKey = "next key "

// Signer signs checkpoints with one key.
type Signer = note.Signer

// Checkpoint is what a log was at a moment: so many records, with this root.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
	// Next is the verifier key that signs from here on: who trusts a key that signed
	// this checkpoint may trust that one. Empty in all but the checkpoint of a change
	// of keys. A second signature alone would say nothing: anybody can add his own
	// to a checkpoint that is public.
	Next string
	// Note is the checkpoint as it was signed, byte for byte.
	Note []byte
	// Signed are the verifier keys, of those that were asked about, that signed it.
	Signed []string
}

// Origin names the log of a host's audit rows of a year.
func Origin(host string, year int) string { return fmt.Sprintf("%s/audit/%04d", host, year) }

// ParseOrigin reads what Origin writes.
func ParseOrigin(origin string) (host string, year int, err error) {
	host, digits, found := strings.Cut(origin, "/audit/")
	year, err = strconv.Atoi(digits)
	if !found || host == "" || err != nil || Origin(host, year) != origin || !isName(origin) {
		return "", 0, fault.Invalid.New("the log of a year is named <host>/audit/<year>, not %.120q", origin)
	}
	return host, year, nil
}

// isName says whether a key may have this name, by the form of notes.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '+' || r == 0x7f || r == 0xfffd })
}

// NewKey makes a key for the log of an origin: skey signs and is secret, vkey
// verifies and is published.
func NewKey(origin string) (skey, vkey string, err error) {
	if _, _, err := ParseOrigin(origin); err != nil {
		return "", "", err
	}
	return note.GenerateKey(rand.Reader, origin)
}

// NewSigner reads the secret key that NewKey made.
func NewSigner(skey string) (Signer, error) {
	s, err := note.NewSigner(strings.TrimSpace(skey))
	if err != nil {
		return nil, fault.Invalid.New("this is not a secret key of a log: %v", err) // and never the key
	}
	return s, nil
}

// KeyID is the part of a verifier key before the key itself: what a signature says
// about who made it.
func KeyID(vkey string) string {
	if at := strings.LastIndexByte(vkey, '+'); at > 0 {
		return vkey[:at]
	}
	return vkey
}

// Sign signs a checkpoint with every signer: two of them around a change of keys.
// Note and Signed of c are not read. It gives the checkpoint with its Note.
func Sign(c Checkpoint, signers ...Signer) (Checkpoint, error) {
	if len(signers) == 0 {
		return Checkpoint{}, fmt.Errorf("a checkpoint of %s needs a signature", c.Origin)
	}
	for _, s := range signers {
		if s.Name() != c.Origin {
			return Checkpoint{}, fault.Invalid.New("the key of %s cannot sign for %s", s.Name(), c.Origin)
		}
	}
	signed, err := note.Sign(&note.Note{Text: c.text()}, signers...)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("signing a checkpoint of %s: %w", c.Origin, err)
	}
	return ParseCheckpoint(signed)
}

func (c Checkpoint) text() string {
	t := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if c.Next != "" {
		t += nextKey + c.Next + "\n"
	}
	return t
}

// ParseCheckpoint reads a checkpoint and does not look at its signatures: what it
// says is only a claim.
func ParseCheckpoint(signed []byte) (Checkpoint, error) {
	return openNote(signed, nil)
}

// OpenCheckpoint reads a checkpoint that at least one of the verifier keys has
// signed, and says in Signed which. Only keys of the checkpoint's own origin count.
// Signatures by others, as those of witnesses, are let stand. When no key signed it
// the error is Forbidden; the checkpoint is returned with it, as a claim.
func OpenCheckpoint(signed []byte, vkeys []string) (Checkpoint, error) {
	c, err := openNote(signed, vkeys)
	if err == nil && len(c.Signed) == 0 {
		err = fault.Forbidden.New("the checkpoint of %s at %d is not signed by a key you trust", c.Origin, c.Size)
	}
	return c, err
}

func openNote(signed []byte, vkeys []string) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, fault.Invalid.New("a checkpoint has at most %d bytes", maxNote)
	}
	known := verifiers{}
	for _, vkey := range vkeys {
		if err := known.add(vkey); err != nil {
			return Checkpoint{}, err
		}
	}
	n, err := note.Open(signed, known)
	if unverified := (*note.UnverifiedNoteError)(nil); errors.As(err, &unverified) {
		n, err = unverified.Note, nil
	}
	if wrong := (*note.InvalidSignatureError)(nil); errors.As(err, &wrong) {
		return Checkpoint{}, fault.Invalid.New("the checkpoint was changed after %s+%08x signed it", wrong.Name, wrong.Hash)
	}
	if err != nil {
		return Checkpoint{}, fault.Invalid.New("this is not a checkpoint: %v", err)
	}
	c, err := parseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	c.Note = slices.Clone(signed)
	for _, sig := range n.Sigs {
		if sig.Name == c.Origin {
			c.Signed = append(c.Signed, known[keyID{sig.Name, sig.Hash}].vkey)
		}
	}
	return c, nil
}

func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n") // the last one is empty: a note's text ends so
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, fault.Invalid.New("a checkpoint has an origin, a size and a root, not %.120q", text)
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return Checkpoint{}, fault.Invalid.New("the size of a checkpoint is a number, not %.40q", lines[1])
	}
	if c.Root, err = decodeHash(lines[2]); err != nil {
		return Checkpoint{}, fault.Invalid.New("the root of a checkpoint is a hash in base64, not %.80q", lines[2])
	}
	for _, line := range lines[3 : len(lines)-1] {
		vkey, isNext := strings.CutPrefix(line, nextKey)
		switch {
		case line == "" || isNext && c.Next != "":
			return Checkpoint{}, fault.Invalid.New("a checkpoint has no empty line and names one next key")
		case isNext:
			c.Next = vkey
		}
	}
	return c, nil
}

// decodeHash reads a hash in the one spelling that base64 has for it.
func decodeHash(s string) (Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || len(s) != base64.StdEncoding.EncodedLen(tlog.HashSize) {
		return Hash{}, fmt.Errorf("%.80q is not a hash in base64", s)
	}
	return Hash(b), nil
}

type keyID struct {
	name string
	hash uint32
}

type verifier struct {
	note.Verifier
	vkey string
}

// verifiers are the keys that signatures are checked with.
type verifiers map[keyID]verifier

func (v verifiers) add(vkey string) error {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return fault.Invalid.New("%.200q is not a verifier key: %v", vkey, err)
	}
	id := keyID{key.Name(), key.KeyHash()}
	if known, ok := v[id]; ok && known.vkey != vkey {
		return fault.Invalid.New("two verifier keys share the name %s", KeyID(vkey))
	}
	v[id] = verifier{key, vkey}
	return nil
}

// Verifier implements note.Verifiers.
func (v verifiers) Verifier(name string, hash uint32) (note.Verifier, error) {
	if known, ok := v[keyID{name, hash}]; ok {
		return known.Verifier, nil
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}
