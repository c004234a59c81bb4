// Package evidence says what a candidate may put forward, and for what.
package evidence

import (
	"net/url"
	"slices"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/prose"
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
		return prose.Check("the text (more goes as a file)", s.Text, limits.TextBytes)
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

func checkLink(link string, limit int) error {
	if err := prose.Check("the link", link, limit); err != nil {
		return err
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fault.Invalid.New("a link is an http or https address")
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
