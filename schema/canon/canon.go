// Package canon writes values in one canonical form, so that anyone can compute
// the same digest from the same facts.
//
// The form is JSON as RFC 8785 (JCS) has it, restricted to whole numbers:
// nothing in the record is a fraction, and a fraction would bring the number
// formatting of another language into our digests.
package canon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Digest is a SHA-256 over a canonical form or over the bytes of a file.
// The zero Digest stands for "none".
type Digest [sha256.Size]byte

// Sum is the digest of b as it stands.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// DigestOf is the digest of the canonical form of v.
func DigestOf(v any) (Digest, error) {
	b, err := JSON(v)
	if err != nil {
		return Digest{}, err
	}
	return Sum(b), nil
}

// String is the digest in 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 64 hexadecimal digits, and nothing else.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	b, err := parseHex("digest", s)
	return Digest(b), err
}

// JSON is the canonical form of v: whatever encoding/json makes of it, with the
// names of each object in the order of their UTF-16 code units, no white space,
// and the shortest escapes. A number with a fraction or an exponent, or one
// beyond 2^53, is an error.
func JSON(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	return Reformat(plain)
}

// Reformat brings JSON text into the canonical form.
func Reformat(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("canonical form: more than one value")
	}
	var out bytes.Buffer
	if err := write(&out, v); err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	return out.Bytes(), nil
}

func write(out *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case json.Number:
		return writeNumber(out, v)
	case string:
		writeString(out, v)
	case []any:
		out.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := write(out, e); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case map[string]any:
		return writeObject(out, v)
	default:
		return fmt.Errorf("a %T has no canonical form", v)
	}
	return nil
}

func writeObject(out *bytes.Buffer, object map[string]any) error {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		writeString(out, name)
		out.WriteByte(':')
		if err := write(out, object[name]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// maxWhole is the largest whole number that every JSON reader keeps exactly.
const maxWhole = 1 << 53

func writeNumber(out *bytes.Buffer, n json.Number) error {
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || i > maxWhole || i < -maxWhole {
		return fmt.Errorf("%s is not a whole number within 2^53", n)
	}
	out.WriteString(strconv.FormatInt(i, 10))
	return nil
}

func writeString(out *bytes.Buffer, s string) {
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\b':
			out.WriteString(`\b`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\f':
			out.WriteString(`\f`)
		case r == '\r':
			out.WriteString(`\r`)
		case r < 0x20:
			fmt.Fprintf(out, `\u%04x`, r)
		default:
			var buf [utf8.UTFMax]byte
			out.Write(buf[:utf8.EncodeRune(buf[:], r)])
		}
	}
	out.WriteByte('"')
}
