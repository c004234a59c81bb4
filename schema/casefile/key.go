package casefile

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Key is what an installation signs its case files with: a key of its own, so that
// who makes case files needs no key of the log.
type Key struct {
	Signer note.Signer // secret
	VKey   string      // verifies, and goes along in each case file
}

// keyName is what the keys for case files of an origin are called.
const keyName = "/casefile"

// NewKey makes a key for the case files of an origin, the host that its logs begin
// with. skey is secret: ParseKey reads it.
func NewKey(origin string) (skey, vkey string, err error) {
	if !host.MatchString(origin) {
		return "", "", fault.Invalid.New("a case file comes from a host, not from %.80q", origin)
	}
	return note.GenerateKey(rand.Reader, origin+keyName)
}

// ParseKey reads the secret key that NewKey made. The words of its errors do not
// show it.
func ParseKey(skey string) (Key, error) {
	skey = strings.TrimSpace(skey)
	signer, err := note.NewSigner(skey)
	if err != nil {
		return Key{}, fault.Invalid.New("this is no secret key for case files; make one with `kutse casefile key`")
	}
	// PRIVATE+KEY+<name>+<hash>+<base64 of the algorithm, 1, and the seed>
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(skey, "+", 5)[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || !strings.HasSuffix(signer.Name(), keyName) {
		return Key{}, fault.Invalid.New("this is the key of something else, %s, and not one for case files", signer.Name())
	}
	public, _ := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(signer.Name(), public)
	return Key{Signer: signer, VKey: vkey}, err
}

// Origin is whose case files the key signs; empty for the zero Key.
func (k Key) Origin() string {
	if k.Signer == nil {
		return ""
	}
	return strings.TrimSuffix(k.Signer.Name(), keyName)
}

// CheckKeys says which of some verifier keys cannot be read, as Invalid.
func CheckKeys(vkeys []string) error {
	for _, k := range vkeys {
		if _, err := note.NewVerifier(k); err != nil {
			return fault.Invalid.New("%.120q is no verifier key (C2SP signed-note)", k)
		}
	}
	return nil
}
