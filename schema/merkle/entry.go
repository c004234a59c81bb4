package merkle

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// write appends the canonical form of a leaf that is in order: the words by the
// alphabet, what is empty left out. It is what schema/canon makes of the same words;
// written here by hand, as it is read, since every row of the record passes.
func (l Leaf) write(b []byte) []byte {
	b = append(b, `{"act":`...)
	b = writeText(b, l.Act)
	b = writeOptional(b, `,"actor":`, l.Actor)
	b = writeOptional(b, `,"application":`, l.Application)
	b = writeOptional(b, `,"candidate":`, l.Candidate)
	b = writeOptional(b, `,"id":`, l.ID)
	b = writeOptional(b, `,"object":`, l.Object)
	if l.Payload != (canon.Digest{}) {
		b = writeOptional(b, `,"payload":`, l.Payload.String())
	}
	for i, r := range l.Records {
		if i == 0 {
			b = append(b, `,"records":[`...)
		} else {
			b = append(b, ',')
		}
		b = writeText(b, r.String())
	}
	if len(l.Records) > 0 {
		b = append(b, ']')
	}
	b = writeOptional(b, `,"request":`, l.Request)
	b = writeOptional(b, `,"role":`, l.Role)
	if l.Sequence > 0 {
		b = append(b, `,"sequence":`...)
		b = strconv.AppendInt(b, int64(l.Sequence), 10)
	}
	b = writeOptional(b, `,"standard":`, l.Standard)
	b = append(b, `,"time":"`...)
	b = l.Time.UTC().AppendFormat(b, timeForm)
	return append(b, `","v":1}`...)
}

func writeOptional(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return writeText(append(b, name...), s)
}

// writeText appends a text that is UTF-8, with the shortest escapes.
func writeText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			b = append(b, c)
		} else if letter, ok := short[c]; ok {
			b = append(b, '\\', letter)
		} else {
			b = fmt.Appendf(b, `\u%04x`, c)
		}
	}
	return append(b, '"')
}

// ParseEntry reads what Entry writes, and nothing else: an unknown word, a word out
// of place, an empty value, white space and every spelling but the canonical one are
// refused as Invalid. So one leaf has one entry, and Entry of the result is b again.
//
// It reads the bytes itself: the words have one order, and a log of ten million
// entries is read in the time that a general reader takes for one million.
func ParseEntry(b []byte) (Leaf, error) {
	if len(b) > MaxEntry {
		return Leaf{}, fault.Invalid.New("an entry has at most %d bytes, not %d", MaxEntry, len(b))
	}
	p := parser{rest: b}
	var l Leaf
	p.must(`{"act":`)
	l.Act = p.text()
	l.Actor = p.optional(`,"actor":`)
	l.Application = p.optional(`,"application":`)
	l.Candidate = p.optional(`,"candidate":`)
	p.must(`,"id":`)
	l.ID = p.text()
	l.Object = p.optional(`,"object":`)
	l.Payload = p.digest(p.optional(`,"payload":`))
	l.Records = p.records()
	l.Request = p.optional(`,"request":`)
	l.Role = p.optional(`,"role":`)
	l.Sequence = p.sequence()
	l.Standard = p.optional(`,"standard":`)
	p.must(`,"time":`)
	l.Time = p.time(p.text())
	p.must(`,"v":1}`)
	switch {
	case p.wrong != "":
		return Leaf{}, fault.Invalid.New("this is no entry of version 1: at byte %d, %s", p.at, p.wrong)
	case len(p.rest) > 0:
		return Leaf{}, fault.Invalid.New("this is no entry of version 1: it goes on after its end")
	}
	if !isUUID(l.ID) {
		return Leaf{}, fault.Invalid.New("an entry is named by a UUID in lower case, not %.80q", l.ID)
	}
	return l, nil
}

// parser reads the canonical form from left to right. After the first thing that is
// wrong it reads nothing more.
type parser struct {
	rest  []byte
	at    int
	wrong string
}

func (p *parser) fail(what string) {
	if p.wrong == "" {
		p.wrong = what
	}
}

func (p *parser) skip(n int) {
	p.rest = p.rest[n:]
	p.at += n
}

// found reads literal if it comes next.
func (p *parser) found(literal string) bool {
	if p.wrong != "" || len(p.rest) < len(literal) || string(p.rest[:len(literal)]) != literal {
		return false
	}
	p.skip(len(literal))
	return true
}

func (p *parser) must(literal string) {
	if !p.found(literal) {
		p.fail("expected " + literal)
	}
}

// optional reads the text after name, if name comes next.
func (p *parser) optional(name string) string {
	if !p.found(name) {
		return ""
	}
	return p.text()
}

// text reads a text that is not empty.
func (p *parser) text() string {
	p.must(`"`)
	if p.wrong != "" {
		return ""
	}
	n := bytes.IndexByte(p.rest, '"')
	if n > 0 && plain(p.rest[:n]) {
		s := string(p.rest[:n])
		p.skip(n + 1)
		return s
	}
	var s []byte
	for {
		c := p.character()
		if p.wrong != "" {
			return ""
		}
		if c == nil {
			break
		}
		s = append(s, c...)
	}
	if len(s) == 0 {
		p.fail("what is empty is left out")
	}
	return string(s)
}

// plain says whether b stands for itself in a text.
func plain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escapes are the short ones, by the letter after the backslash; what has one is
// written in no other way.
var escapes = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

// short is escapes from the other side.
var short = map[byte]byte{'"': '"', '\\': '\\', '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}

// character reads one character of a text; nil at its end.
func (p *parser) character() []byte {
	r, n := utf8.DecodeRune(p.rest)
	switch {
	case n == 0:
		p.fail("a text does not end")
	case r == utf8.RuneError && n == 1:
		p.fail("a text is not UTF-8")
	case r == '"':
		p.skip(1)
	case r < ' ':
		p.fail("a control character stands for itself")
	case r == '\\':
		return p.escape()
	default:
		c := p.rest[:n]
		p.skip(n)
		return c
	}
	return nil
}

func (p *parser) escape() []byte {
	if len(p.rest) >= 2 {
		if c, ok := escapes[p.rest[1]]; ok {
			p.skip(2)
			return []byte{c}
		}
	}
	if len(p.rest) >= 6 && string(p.rest[:4]) == `\u00` {
		c := unhex(p.rest[4])<<4 | unhex(p.rest[5])
		if c < ' ' && (c < '\b' || c > '\r' || c == '\v') && p.rest[4] <= '1' {
			p.skip(6)
			return []byte{c}
		}
	}
	p.fail("an escape is not the shortest")
	return nil
}

// unhex is the value of a lower-case hexadecimal digit; 0xff for anything else.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func (p *parser) digest(hex string) canon.Digest {
	if hex == "" {
		return canon.Digest{}
	}
	d, err := canon.ParseDigest(hex)
	if err != nil || d == (canon.Digest{}) {
		p.fail("the payload is no digest")
	}
	return d
}

func (p *parser) records() []Record {
	if !p.found(`,"records":[`) {
		return nil
	}
	var list []Record
	for {
		r, err := ParseRecord(p.text())
		if err != nil {
			p.fail("a record is named by kind, id and digest")
			return nil
		}
		list = append(list, r)
		if !p.found(`,`) {
			p.must(`]`)
			return list
		}
	}
}

func (p *parser) sequence() int {
	if !p.found(`,"sequence":`) {
		return 0
	}
	n := 0
	for n < len(p.rest) && n < 16 && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	i, err := strconv.Atoi(string(p.rest[:n]))
	if err != nil || i <= 0 || i > maxWhole || p.rest[0] == '0' {
		p.fail("the sequence is a whole number from 1 on")
		return 0
	}
	p.skip(n)
	return i
}

func (p *parser) time(s string) time.Time {
	if p.wrong != "" {
		return time.Time{}
	}
	t, err := time.Parse(timeForm, s)
	if err != nil || len(s) != len(timeForm) || s[19] != '.' || t.IsZero() || t.Year() < 1 {
		p.fail("the time is written " + timeForm)
	}
	return t
}
