package catalogue

import (
	"fmt"
	"regexp"
	"strings"
)

// passage is a text with what was done to it. Only what is known to be damage
// is repaired, each repair is told, and the text as read is kept. White space
// at the ends of lines and empty lines are not text.
type passage struct {
	text    string
	raw     string // as read, where it differs from text
	repairs []string
}

// passage joins the lines of an item: a sentence may run over several, and a
// page break may have made a bullet of its second half.
func (it item) passage() passage {
	p := passage{text: it.lines[0].text}
	raw := joined(it.lines, "\n")
	for _, l := range it.lines[1:] {
		rest := unbulleted(l.text)
		if rest == l.text {
			p.repairs = append(p.repairs, fmt.Sprintf("line %d joined to the sentence it continues", l.no))
		} else {
			p.repairs = append(p.repairs, fmt.Sprintf("line %d joined to the sentence it continues, its false bullet dropped", l.no))
		}
		p.text += " " + rest
	}
	if p.text != raw {
		p.raw = raw
	}
	return p
}

// statement makes the statement of a passage.
func (p passage) statement(ordinal int, kind StatementKind) Statement {
	return Statement{Ordinal: ordinal, Text: p.text, Raw: p.raw, Kind: kind, Assessable: true, Repairs: p.repairs}
}

// fix repairs one kind of damage, and says what it did, or "" for nothing.
type fix func(text string) (fixed, what string)

// section makes a section of text for people, one source line to a line.
func section(heading string, lines []line, fixes ...fix) Section {
	raw := joined(lines, "\n")
	s := Section{Heading: heading, Text: raw}
	for _, f := range fixes {
		fixed, what := f(s.Text)
		if what == "" || fixed == s.Text {
			continue
		}
		s.Text = fixed
		s.Repairs = append(s.Repairs, what)
	}
	if s.Text != raw {
		s.Raw = raw
	}
	return s
}

var brokenLine = regexp.MustCompile(`([^.:;!?\n])\n(\p{Ll})`)

// joinBroken joins a sentence that goes on in the next line.
func joinBroken(text string) (string, string) {
	return brokenLine.ReplaceAllString(text, "$1 $2"), "joined a sentence broken over two lines"
}

var emphasis = regexp.MustCompile(`(?m)^(\*{1,2})([^*\n]+?)\*{1,2}$`)

// dropEmphasis takes away the marks around a whole line in italics or bold.
func dropEmphasis(text string) (string, string) {
	return strings.TrimSpace(emphasis.ReplaceAllString(text, "$2")), "dropped the marks of italics or bold"
}

// foldMark is the pair of link labels that the register's page leaves at the
// end of a text of which it shows a part; foldDots is what it puts where the
// rest begins.
const (
	foldMark = "MoreHide"
	foldDots = "..."
)

// unfold takes away both. The dots go only where the mark says that the page
// folded the text, and only when it is clear which dots they are.
func unfold(text string) (string, string) {
	body, folded := strings.CutSuffix(text, foldMark)
	if !folded {
		return text, ""
	}
	body = strings.TrimSpace(body)
	what := "dropped the link labels " + foldMark
	if strings.Count(body, foldDots) == 1 && !strings.HasSuffix(body, foldDots) {
		body = strings.Replace(body, foldDots, "", 1)
		what += " and the dots where the page folded the text"
	}
	return body, what
}
