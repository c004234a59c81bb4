package sealer

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// cosignatureV1 is the kind of a witness's key: an Ed25519 one that signs a time along
// with the checkpoint.
const cosignatureV1 = 4

// cosigner verifies what a witness signs: c2sp.org/tlog-cosignature, version 1. It is
// a note.Verifier.
type cosigner struct {
	vkey string
	name string
	hash uint32
	key  ed25519.PublicKey
}

// parseCosigner reads the verifier key of a witness.
func parseCosigner(vkey string) (*cosigner, error) {
	wrong := fault.Invalid.New("%.200q is not the verifier key of a witness: it is NAME+HASH+KEY, of the kind cosignature/v1", vkey)
	name, rest, _ := strings.Cut(vkey, "+")
	digits, text, _ := strings.Cut(rest, "+")
	hash, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 8 || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, wrong
	}
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != cosignatureV1 {
		return nil, wrong
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	if binary.BigEndian.Uint32(sum[:]) != uint32(hash) {
		return nil, wrong
	}
	return &cosigner{vkey, name, uint32(hash), key[1:]}, nil
}

// Name implements note.Verifier.
func (c *cosigner) Name() string { return c.name }

// KeyHash implements note.Verifier.
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Verify implements note.Verifier.
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return seconds <= math.MaxInt64 &&
		ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, msg), sig[8:])
}
