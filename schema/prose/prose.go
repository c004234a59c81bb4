// Package prose says what a text that a person writes into the record may be.
package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Check says whether text can stand as what, which names it in the error: up to
// most bytes of UTF-8, not blank, and of control characters only line ends and
// tabs. The error is Invalid and does not repeat the text.
func Check(what, text string, most int) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fault.Invalid.New("%s is blank", what)
	case len(text) > most:
		return fault.Invalid.New("%s may have %d bytes, this has %d", what, most, len(text))
	case !utf8.ValidString(text):
		return fault.Invalid.New("%s is not valid UTF-8", what)
	case strings.ContainsFunc(text, forbidden):
		return fault.Invalid.New("%s has control characters", what)
	}
	return nil
}

func forbidden(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }
