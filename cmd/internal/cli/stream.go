package cli

import (
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/kutse-dev/kutse/schema/fault"
)

// CSVFlag stands with what may be too long to hold: rows are printed as they come.
type CSVFlag struct {
	CSV bool `name:"csv" help:"Print CSV (RFC 4180) with a header, every column."`
}

// stream prints rows as they come: aligned text, one JSON object a line, or CSV.
type stream struct {
	out    *Output
	csv    *csv.Writer
	widths []int // of the columns of text but the last
}

// newStream prints the header. text and csv are the columns of each; widths are those
// of text, for nobody knows yet how long what is still to come will be.
func (f CSVFlag) newStream(out *Output, text []string, widths []int, csvHeader []string) (*stream, error) {
	s := &stream{out: out, widths: widths}
	switch {
	case f.CSV && out.JSON:
		return nil, fault.Invalid.New("--csv and --json exclude each other")
	case f.CSV:
		s.csv = csv.NewWriter(out.Stdout)
		s.csv.UseCRLF = true
		return s, s.csv.Write(csvHeader)
	case out.JSON:
		return s, nil
	}
	return s, out.Line(nil, s.align(text))
}

// row prints one value.
func (s *stream) row(v any, text, csvCells []string) error {
	if s.csv != nil {
		return s.csv.Write(csvCells)
	}
	return s.out.Line(v, s.align(text))
}

// end prints what is still to print. A page that is complete is printed: whoever
// reads along sees it.
func (s *stream) end() error {
	if s.csv == nil {
		return nil
	}
	s.csv.Flush()
	return s.csv.Error()
}

func (s *stream) align(cells []string) string {
	var line strings.Builder
	for i, cell := range cells {
		if i < len(s.widths) {
			fmt.Fprintf(&line, "%-*s  ", s.widths[i], oneLine(cell))
			continue
		}
		line.WriteString(oneLine(cell))
	}
	return strings.TrimRight(line.String(), " ")
}
