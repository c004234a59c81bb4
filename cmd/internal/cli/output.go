package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode"
)

// Output is where a command writes: results to Stdout, talk to Stderr.
type Output struct {
	Stdout, Stderr io.Writer
	JSON           bool

	talking sync.Mutex // several goroutines may tell something
}

// Talk is Stderr for whoever else writes there while Tell is used, as a logger.
func (o *Output) Talk() io.Writer { return talk{o} }

type talk struct{ o *Output }

// Write implements io.Writer.
func (t talk) Write(b []byte) (int, error) {
	t.o.talking.Lock()
	defer t.o.talking.Unlock()
	return t.o.Stderr.Write(b)
}

// Value prints v as JSON when JSON is set, else what text writes. Text comes from
// other people and ends in a terminal: whatever could command one is taken out.
func (o *Output) Value(v any, text func(w io.Writer) error) error {
	if !o.JSON {
		var page bytes.Buffer
		if err := text(&page); err != nil {
			return err
		}
		_, err := io.WriteString(o.Stdout, printable(page.String()))
		return err
	}
	enc := json.NewEncoder(o.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Table prints v as JSON when JSON is set, else rows in aligned columns under a
// header; empty is said instead of a table without rows.
func (o *Output) Table(v any, header []string, rows [][]string, empty string) error {
	return o.Value(v, func(w io.Writer) error {
		if len(rows) == 0 {
			_, err := fmt.Fprintln(w, empty)
			return err
		}
		return columns(w, append([][]string{header}, rows...))
	})
}

// Line prints one value of a stream, where no list holds all: JSON on one line,
// or a line of text.
func (o *Output) Line(v any, text string) error {
	if !o.JSON {
		_, err := fmt.Fprintln(o.Stdout, printable(text))
		return err
	}
	enc := json.NewEncoder(o.Stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Tell says something beside the result. What cannot be told is not worth
// failing for.
func (o *Output) Tell(format string, args ...any) {
	_, _ = io.WriteString(o.Talk(), printable(fmt.Sprintf(format, args...))+"\n")
}

// columns writes rows with their cells under each other.
func columns(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = oneLine(cell)
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// oneLine makes a text fit for one cell or one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// short cuts a text for a column; --json has all of it.
func short(s string, most int) string {
	runes := []rune(oneLine(s))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// indent sets a text of several lines off from the margin.
func indent(s, margin string) string {
	s = strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\r\n", "\n")
	return margin + strings.ReplaceAll(s, "\n", "\n"+margin)
}

// printable replaces what a terminal would obey instead of show: control
// characters, and those that turn the direction of the text around.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		default:
			return r
		}
	}, s)
}
