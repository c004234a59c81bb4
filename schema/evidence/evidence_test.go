package evidence_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestWhatCanBeEvidence(t *testing.T) {
	std := &catalogue.Standard{Title: "Small", Groups: []catalogue.Group{{Competences: []catalogue.Competence{{
		Code: "B.2.1", Statements: []catalogue.Statement{{Ordinal: 1, Assessable: true}, {Ordinal: 2, Assessable: true}, {Ordinal: 3}},
	}}}}}
	one := catalogue.IndicatorID{Competence: "B.2.1", Ordinal: 1}
	two := catalogue.IndicatorID{Competence: "B.2.1", Ordinal: 2}
	for name, tt := range map[string]struct {
		kind       evidence.Kind
		text, link string
		file       canon.Digest
		indicators []catalogue.IndicatorID
		ok         bool
	}{
		"a text":                           {kind: evidence.Text, text: "Juhtisin õppekava tööd.", indicators: []catalogue.IndicatorID{one}, ok: true},
		"one item for two indicators":      {kind: evidence.Text, text: "I led it.", indicators: []catalogue.IndicatorID{one, two}, ok: true},
		"a link":                           {kind: evidence.Link, link: "https://example.org/plan", indicators: []catalogue.IndicatorID{one}, ok: true},
		"a file":                           {kind: evidence.File, file: canon.Sum([]byte("x")), indicators: []catalogue.IndicatorID{one}, ok: true},
		"for no indicator":                 {kind: evidence.Text, text: "x"},
		"for an unknown indicator":         {kind: evidence.Text, text: "x", indicators: []catalogue.IndicatorID{{Competence: "B.9", Ordinal: 1}}},
		"for an indicator beyond the last": {kind: evidence.Text, text: "x", indicators: []catalogue.IndicatorID{{Competence: "B.2.1", Ordinal: 4}}},
		"for one that is not assessed":     {kind: evidence.Text, text: "x", indicators: []catalogue.IndicatorID{{Competence: "B.2.1", Ordinal: 3}}},
		"for the same indicator twice":     {kind: evidence.Text, text: "x", indicators: []catalogue.IndicatorID{one, one}},
		"a blank text":                     {kind: evidence.Text, text: " \n", indicators: []catalogue.IndicatorID{one}},
		"a text that is too long":          {kind: evidence.Text, text: strings.Repeat("x", 101), indicators: []catalogue.IndicatorID{one}},
		"invalid UTF-8":                    {kind: evidence.Text, text: "a\xff", indicators: []catalogue.IndicatorID{one}},
		"control characters":               {kind: evidence.Text, text: "a\x00", indicators: []catalogue.IndicatorID{one}},
		"a text and a link":                {kind: evidence.Text, text: "x", link: "https://example.org", indicators: []catalogue.IndicatorID{one}},
		"a link that runs a script":        {kind: evidence.Link, link: "javascript:alert(1)", indicators: []catalogue.IndicatorID{one}},
		"a link without a host":            {kind: evidence.Link, link: "https:///plan", indicators: []catalogue.IndicatorID{one}},
		"a kind that is not its content":   {kind: evidence.File, text: "x", indicators: []catalogue.IndicatorID{one}},
		"a kind nobody knows":              {kind: "video", text: "x", indicators: []catalogue.IndicatorID{one}},
		"nothing":                          {kind: evidence.Text, indicators: []catalogue.IndicatorID{one}},
	} {
		s := evidence.Submission{Kind: tt.kind, Text: tt.text, Link: tt.link, File: tt.file, Indicators: tt.indicators}
		err := s.Check(std, evidence.Limits{TextBytes: 100, Indicators: 2})
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v, want accepted %v", name, err, tt.ok)
		} else if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}
