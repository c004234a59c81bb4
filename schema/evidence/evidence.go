// Package evidence says what a candidate may put forward, and for what.
package evidence

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
)

// ItemID names one piece of evidence as it was submitted.
type ItemID string

// Kind is the form a piece of evidence has.
type Kind string

// The kinds.
const (
	Text Kind = "text" // the candidate's own words
	Link Kind = "link" // an address; what stands there is not ours to keep
	File Kind = "file" // bytes uploaded before, named by their SHA-256
)

// Submission is one piece of evidence put forward for one or many indicators.
// Exactly one of Text, Link and File is set, as Kind says.
type Submission struct {
	Kind       Kind
	Text       string
	Link       string
	File       canon.Digest
	Indicators []catalogue.IndicatorID
}

// Limits bound what one submission may carry. They come from configuration.
type Limits struct {
	TextBytes  int // of a text or a link
	Indicators int // named by one submission
}

// Check says whether s can be evidence under std. Every error is Invalid and
// says what to change.
func (s Submission) Check(std *catalogue.Standard, limits Limits) error {
	if err := s.checkContent(limits); err != nil {
		return err
	}
	return s.checkIndicators(std, limits)
}

func (s Submission) checkContent(limits Limits) error {
	set := 0
	for _, is := range []bool{s.Text != "", s.Link != "", s.File != canon.Digest{}} {
		if is {
			set++
		}
	}
	if set != 1 {
		return fault.Invalid.New("evidence is one text, one link or one file; this has %d of them", set)
	}
	switch s.Kind {
	case Text:
		return checkText(s.Text, limits.TextBytes)
	case Link:
		return checkLink(s.Link, limits.TextBytes)
	case File:
		if s.File == (canon.Digest{}) {
			return fault.Invalid.New("evidence of kind file names the SHA-256 of an uploaded file")
		}
		return nil
	default:
		return fault.Invalid.New("%.20q is not a kind of evidence; kinds are text, link and file", s.Kind)
	}
}

func checkText(text string, limit int) error {
	switch {
	case text == "":
		return fault.Invalid.New("evidence of kind text carries a text")
	case len(text) > limit:
		return fault.Invalid.New("a text may have %d bytes, this has %d; upload it as a file", limit, len(text))
	case !utf8.ValidString(text):
		return fault.Invalid.New("the text is not valid UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		return fault.Invalid.New("the text has control characters; upload it as a file")
	case strings.TrimSpace(text) == "":
		return fault.Invalid.New("the text is blank")
	}
	return nil
}

func checkLink(link string, limit int) error {
	if err := checkText(link, limit); err != nil {
		return err
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fault.Invalid.New("a link is an http or https address, not %.80q", link)
	}
	return nil
}

func (s Submission) checkIndicators(std *catalogue.Standard, limits Limits) error {
	if len(s.Indicators) == 0 {
		return fault.Invalid.New("name at least one indicator that the evidence is for, as in B.2.3/1")
	}
	if len(s.Indicators) > limits.Indicators {
		return fault.Invalid.New("one piece of evidence may serve %d indicators, not %d", limits.Indicators, len(s.Indicators))
	}
	for i, id := range s.Indicators {
		st, ok := std.Statement(id)
		switch {
		case !ok:
			return fault.Invalid.New("%s has no indicator %s", std.Name(), id)
		case !st.Assessable:
			return fault.Invalid.New("indicator %s of %s is not assessed: %q", id, std.Name(), st.Text)
		case slices.Contains(s.Indicators[:i], id):
			return fault.Invalid.New("indicator %s is named twice", id)
		}
	}
	return nil
}
