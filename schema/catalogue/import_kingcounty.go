package catalogue

import (
	"regexp"
	"strings"
)

// A classification specification of King County is plain text under known
// headings. Its number and its title, in capitals, stand before the first.
// Knowledge, skills and abilities are lines that each name their kind.

const (
	kcDuties  = "examples of duties"
	kcDuties2 = "examples of duties and responsibilities"
	kcKSA     = "knowledge/skills"
	kcKSA2    = "knowledge/skills/abilities"
	kcKSA3    = "knowledge, skills and abilities"
	kcEntry   = "education and experience requirements"
	kcEntry2  = "minimum qualifications"
	kcLicence = "licensing, certification and other requirements"
)

var kcHeading = heading(
	"class summary", "distinguishing characteristics", kcDuties, kcDuties2, kcKSA, kcKSA2, kcKSA3,
	kcEntry, kcEntry2, kcLicence, "desirable qualifications", "working conditions", "union representation", "class history",
)

var kcNumber = regexp.MustCompile(`^(?:Class(?:ification)? (?:Code|Number|No\.?):?\s*)?(\d{4,10})$`)

func importKingCounty(lines []line, opts Options) (*Standard, error) {
	s := &Standard{Title: opts.Title, Version: printedDate(lines)}
	s.note("%s", classSpecNote)
	for _, b := range blocks(lines, kcHeading) {
		if err := kcBlock(s, b); err != nil {
			return nil, err
		}
	}
	last := lines[len(lines)-1]
	switch {
	case s.Title == "":
		return nil, lines[0].invalid("no title stands before the first heading; give it")
	case len(s.Groups) == 0:
		return nil, last.invalid("the document ends without duties and without knowledge or skills; is it cut off?")
	}
	text := joined(lines, " ")
	s.Level = series(text)
	name := s.Title
	if short := abbreviated(s.Title, text); short != "" {
		name, s.Aliases = short, append(s.Aliases, short)
	}
	s.Key = keyOf("king county", name)
	return s, nil
}

func kcBlock(s *Standard, b block) error {
	if b.heading.text == "" {
		return kcHead(s, b.lines)
	}
	switch headingWords(b.heading.text) {
	case kcDuties, kcDuties2:
		g, err := duties(b, b.heading.text)
		if err != nil {
			return err
		}
		return s.require(b.heading, g)
	case kcKSA, kcKSA2, kcKSA3:
		g, err := kcLines(b)
		if err != nil {
			return err
		}
		return s.require(b.heading, g)
	case kcEntry, kcEntry2, kcLicence:
		if text := joined(b.lines, "\n"); text != "" {
			s.Prerequisites = append(s.Prerequisites, prerequisite(text))
		}
	}
	s.Narrative = append(s.Narrative, section(b.heading.text, b.lines, joinBroken))
	return nil
}

// kcHead reads what stands before the first heading.
func kcHead(s *Standard, lines []line) error {
	for _, l := range written(lines) {
		text := plainHeading(l.text)
		m := kcNumber.FindStringSubmatch(text)
		switch {
		case strings.EqualFold(text, "Classification Specification"):
		case m != nil:
			s.Classifications = append(s.Classifications, Classification{System: "King County class", Code: m[1]})
		case s.Title == "":
			s.Title = text
		case s.Title == text:
		default:
			s.Narrative = append(s.Narrative, section("Before the first heading", []line{l}))
		}
	}
	return nil
}

// kcLines reads the lines of knowledge, skills and abilities. Depth is a word
// of the line ("Basic knowledge of ...") and is kept with the statement.
func kcLines(b block) (Group, error) {
	g := Group{Key: "knowledge-skills", Title: b.heading.text, Kind: KSA}
	for _, it := range concepts(written(b.lines), isKSA) {
		p := it.passage()
		kind, depth, ok := ksaKind(p.text)
		if !ok {
			return g, line{no: it.no}.invalid("%.80q begins with none of knowledge of, skill in, ability to", p.text)
		}
		k := g.find(ksaCode(kind, ""), ksaTitles[kind])
		st := p.statement(len(k.Statements)+1, kind)
		st.Depth = depth
		k.Statements = append(k.Statements, st)
	}
	if len(g.Competences) == 0 {
		return g, b.heading.invalid("nothing stands under %q; is the document cut off?", b.heading.text)
	}
	return g, nil
}

// find returns the competence with the code, and makes it when it is not there.
func (g *Group) find(code, title string) *Competence {
	for i := range g.Competences {
		if g.Competences[i].Code == code {
			return &g.Competences[i]
		}
	}
	g.Competences = append(g.Competences, Competence{Code: code, Title: title})
	return &g.Competences[len(g.Competences)-1]
}
