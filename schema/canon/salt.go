package canon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Salt stands before what a salted digest is taken over, so that nobody who has
// the digest can try out what it may be of. It comes from the key of the person
// concerned and is different for each record: disclosing one discloses nothing
// about another. The zero Salt stands for "none".
type Salt [sha256.Size]byte

// SaltedSum is SHA-256 over the salt and then b. With the zero Salt it is not Sum.
func SaltedSum(salt Salt, b []byte) Digest {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(b)
	return Digest(h.Sum(nil))
}

// String is the salt in 64 lower-case hexadecimal digits.
func (s Salt) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements encoding.TextMarshaler.
func (s Salt) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes, and nothing else.
func (s *Salt) UnmarshalText(text []byte) error {
	parsed, err := ParseSalt(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// ParseSalt reads 64 lower-case hexadecimal digits.
func ParseSalt(text string) (Salt, error) {
	b, err := parseHex("salt", text)
	return Salt(b), err
}

// parseHex reads 32 bytes in lower-case hexadecimal digits. what is the word for
// them in an error.
func parseHex(what, s string) ([sha256.Size]byte, error) {
	var b [sha256.Size]byte
	if len(s) != hex.EncodedLen(len(b)) {
		return b, fmt.Errorf("a %s has %d hexadecimal digits, not %d", what, hex.EncodedLen(len(b)), len(s))
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return b, fmt.Errorf("a %s is written in 0-9 and a-f, not %q", what, c)
		}
	}
	_, err := hex.Decode(b[:], []byte(s))
	return b, err
}
