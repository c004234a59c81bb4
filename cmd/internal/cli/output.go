package cli

import (
	"encoding/json"
	"io"
)

// Output is where a command writes: results to Stdout, talk to Stderr.
type Output struct {
	Stdout, Stderr io.Writer
	JSON           bool
}

// Value prints v as JSON when JSON is set, else what text writes.
func (o *Output) Value(v any, text func(w io.Writer) error) error {
	if !o.JSON {
		return text(o.Stdout)
	}
	enc := json.NewEncoder(o.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
