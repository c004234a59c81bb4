package catalogue

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/fault"
)

// line is a line of a source document, without the white space around it.
type line struct {
	no   int
	text string
}

func (l line) blank() bool { return l.text == "" }

// invalid is a fault at this line.
func (l line) invalid(format string, args ...any) error {
	return fault.Invalid.New("line %d: "+format, append([]any{l.no}, args...)...)
}

// readAll reads up to most bytes; more is a fault, found without reading on.
func readAll(name string, r io.Reader, most int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > most:
		return nil, lastLine(b).invalid("%s is larger than %d bytes; no standard is", name, most)
	case len(bytes.TrimSpace(b)) == 0:
		return nil, lastLine(b).invalid("%s is empty", name)
	}
	return b, nil
}

// lastLine is the number of the line at which what was read ends.
func lastLine(b []byte) line { return line{no: 1 + bytes.Count(b, []byte("\n"))} }

const byteOrderMark = "\uFEFF"

// splitLines makes lines of a text in UTF-8. A byte order mark at the start and
// the line ends of Windows are taken away; anything else that no text has is a
// fault with the number of its line.
func splitLines(name string, b []byte) ([]line, error) {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return nil, fault.Invalid.New("line 1: %s is in UTF-16; save it as UTF-8", name)
	}
	b = bytes.TrimPrefix(b, []byte(byteOrderMark))
	var lines []line
	for raw := range bytes.SplitSeq(b, []byte("\n")) {
		l := line{no: len(lines) + 1, text: string(bytes.TrimSpace(raw))}
		if !utf8.ValidString(l.text) {
			return nil, l.invalid("%s is not a text in UTF-8", name)
		}
		if i := strings.IndexFunc(l.text, unprintable); i >= 0 {
			r, _ := utf8.DecodeRuneInString(l.text[i:])
			return nil, l.invalid("%s has the character %U, which cannot be printed", name, r)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// block is a heading with the lines below it. The first block of a document has
// no heading.
type block struct {
	heading line
	lines   []line
}

// blocks cuts lines at the headings, with the heading as the recogniser gives it.
func blocks(lines []line, recognise func(line) (string, bool)) []block {
	all := []block{{}}
	for _, l := range lines {
		if heading, ok := recognise(l); ok {
			all = append(all, block{heading: line{l.no, heading}})
			continue
		}
		last := &all[len(all)-1]
		last.lines = append(last.lines, l)
	}
	return all
}

// headingMarks are the signs that Markdown puts around a heading.
var headingMarks = regexp.MustCompile(`^(?:#{1,6}\s+)?(?:\*{1,2})?(.*?)(?:\*{1,2})?$`)

// plainHeading is a line without the marks of Markdown.
func plainHeading(text string) string {
	return strings.TrimSpace(headingMarks.FindStringSubmatch(text)[1])
}

// written returns the lines that have something on them.
func written(lines []line) []line {
	var out []line
	for _, l := range lines {
		if !l.blank() {
			out = append(out, l)
		}
	}
	return out
}

func joined(lines []line, sep string) string {
	words := make([]string, 0, len(lines))
	for _, l := range written(lines) {
		words = append(words, l.text)
	}
	return strings.Join(words, sep)
}

// Marks that begin an item of a list.
var (
	bulletMark = regexp.MustCompile(`^[-•*‣·–]\s+(.+)$`)
	numberMark = regexp.MustCompile(`^(\d{1,3})[.)]\s+(.+)$`)
)

// item is one item of a list, with the lines that continue it.
type item struct {
	no    int // line
	label string
	lines []line // the first without its mark
}

// items cuts lines into the items of a list. A line continues an item when it
// follows directly, or after a gap when the item breaks off in the middle of a
// sentence that the line goes on with: a page ended there. What stands before
// the first item, and what belongs to none, is returned beside them.
func items(lines []line, mark *regexp.Regexp) (before []line, all []item, after []line) {
	gap := false
	for _, l := range lines {
		m := mark.FindStringSubmatch(l.text)
		switch {
		case l.blank():
			gap = true
			continue
		case m != nil:
			it := item{no: l.no, lines: []line{{l.no, m[len(m)-1]}}}
			if len(m) > 2 {
				it.label = m[1]
			}
			all = append(all, it)
		case len(all) == 0:
			before = append(before, l)
		case !gap || all[len(all)-1].goesOn(l):
			last := &all[len(all)-1]
			last.lines = append(last.lines, l)
		default:
			after = append(after, l)
		}
		gap = false
	}
	return before, all, after
}

// goesOn says whether l carries on the sentence at which the item breaks off.
func (it item) goesOn(l line) bool {
	return brokenOff(it.lines[len(it.lines)-1].text) && beginsSmall(unbulleted(l.text))
}

func brokenOff(text string) bool {
	return text != "" && !strings.ContainsAny(text[len(text)-1:], ".:;!?")
}

func beginsSmall(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLower(r)
}

func unbulleted(text string) string {
	if m := bulletMark.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return text
}
