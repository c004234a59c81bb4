package prose_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/prose"
)

func TestWhatATextMayBe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"words":                    {"Juhtisin tööd.\n\tKolm aastat.", true},
		"as long as it may be":     {strings.Repeat("x", 40), true},
		"longer":                   {strings.Repeat("x", 41), false},
		"nothing":                  {"", false},
		"blanks":                   {" \n\t", false},
		"a NUL":                    {"a\x00b", false},
		"an escape for a terminal": {"a\x1b[2J", false},
		"a control of Latin-1":     {"a\u0085b", false},
		"bytes that are not UTF-8": {"a\xffb", false},
	} {
		err := prose.Check("a text", tt.text, 40)
		if (err == nil) != tt.ok || (err != nil && !errors.Is(err, fault.Invalid)) {
			t.Errorf("%s: %q gives %v, want accepted %v", name, tt.text, err, tt.ok)
		}
		if err != nil && len(tt.text) > 3 && strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: the error repeats the text", name)
		}
	}
}
