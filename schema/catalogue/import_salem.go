package catalogue

import (
	"regexp"
	"strings"
)

// A class specification of the City of Salem is Markdown under known headings.
// Knowledge, skills and abilities are lists under "Extensive knowledge of:" and
// the like, of which some are marked as headings and some are not.

const (
	salemDuties  = "examples of essential duties and responsibilities"
	salemDuties2 = "essential duties and responsibilities"
	salemKSA     = "minimum qualifications upon entry"
	salemKSA2    = "minimum qualifications"
	salemEntry   = "experience and education"
	salemEntry2  = "education and experience"
	salemLicence = "licenses and certifications"
)

var salemHeading = heading(
	"general class purpose", "distinguishing features", "supervision received and exercised",
	salemDuties, salemDuties2, salemKSA, salemKSA2, salemEntry, salemEntry2, salemLicence,
	"physical and mental demands", "work environment", "special requirements",
)

var (
	classCode   = regexp.MustCompile(`(?i)^Class Code:\s*(\d{1,10})$`)
	flsa        = regexp.MustCompile(`(?i)^FLSA:\s*(\S.*)$`)
	markedTitle = regexp.MustCompile(`^#{1,6}\s+\S`)
	rule        = regexp.MustCompile(`^(?:-{3,}|\*{3,}|_{3,})$`)
	ksaHeading  = regexp.MustCompile(`(?i)^[^:]{1,60}\b(?:of|to|in):$`)
)

func importSalem(lines []line, opts Options) (*Standard, error) {
	s := &Standard{Title: opts.Title, Version: printedDate(lines)}
	s.note("%s", classSpecNote)
	lines, footer := salemFooter(lines)
	for _, b := range blocks(lines, salemHeading) {
		if err := salemBlock(s, b); err != nil {
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
	if len(written(footer)) > 0 {
		s.Narrative = append(s.Narrative, section("Footer", footer))
	}
	s.Level = series(joined(lines, " "))
	s.Key = keyOf("salem", s.Title)
	return s, nil
}

// salemFooter cuts off what stands below the last ruled line.
func salemFooter(lines []line) (body, footer []line) {
	for i := len(lines) - 1; i > 0; i-- {
		if rule.MatchString(lines[i].text) {
			return lines[:i], lines[i+1:]
		}
	}
	return lines, nil
}

func salemBlock(s *Standard, b block) error {
	if b.heading.text == "" {
		salemHead(s, b.lines)
		return nil
	}
	switch headingWords(b.heading.text) {
	case salemDuties, salemDuties2:
		g, err := duties(b, b.heading.text)
		if err != nil {
			return err
		}
		g.Note, _ = dropEmphasis(g.Note)
		return s.require(b.heading, g)
	case salemKSA, salemKSA2:
		return salemLists(s, b)
	case salemEntry, salemEntry2, salemLicence:
		for _, l := range written(b.lines) {
			if !strings.HasPrefix(l.text, "*") { // what is in italics only leads up to it
				s.Prerequisites = append(s.Prerequisites, prerequisite(l.text))
			}
		}
	}
	s.Narrative = append(s.Narrative, section(b.heading.text, b.lines, joinBroken, dropEmphasis))
	return nil
}

// salemHead reads what stands before the first heading.
func salemHead(s *Standard, lines []line) {
	for _, l := range written(lines) {
		if m := classCode.FindStringSubmatch(l.text); m != nil {
			s.Classifications = append(s.Classifications, Classification{System: "City of Salem class", Code: m[1]})
			continue
		}
		if m := flsa.FindStringSubmatch(l.text); m != nil {
			s.Classifications = append(s.Classifications, Classification{System: "FLSA", Code: m[1]})
			continue
		}
		text := plainHeading(l.text)
		switch {
		case s.Title == "" && text != "":
			s.Title = text
		case s.Title == text:
		case markedTitle.MatchString(l.text) || text != "":
			s.Narrative = append(s.Narrative, section("Before the first heading", []line{l}))
		}
	}
}

// salemLists reads the lists of knowledge, skills and abilities. Each makes a
// group with one competence: the same line stands in two of them, at different
// depths, and means a different thing in each.
func salemLists(s *Standard, b block) error {
	isHeading := func(l line) (string, bool) {
		text := plainHeading(l.text)
		return text, ksaHeading.MatchString(text)
	}
	lists := blocks(b.lines, isHeading)
	if text := written(lists[0].lines); len(text) > 0 {
		return text[0].invalid("%.80q stands under no line such as \"Knowledge of:\"", text[0].text)
	}
	for _, list := range lists[1:] {
		g, err := salemList(list)
		if err != nil {
			return err
		}
		if err := s.require(list.heading, g); err != nil {
			return err
		}
	}
	if len(lists) == 1 {
		return b.heading.invalid("nothing stands under %q; is the document cut off?", b.heading.text)
	}
	return nil
}

func salemList(b block) (Group, error) {
	kind, depth, ok := ksaKind(b.heading.text)
	if !ok {
		return Group{}, b.heading.invalid("%.80q names none of knowledge, skill, ability", b.heading.text)
	}
	title := strings.TrimSpace(strings.TrimSuffix(b.heading.text, ":"))
	k := Competence{Code: ksaCode(kind, depth), Title: ksaTitle(kind, depth)}
	before, all, after := items(b.lines, bulletMark)
	if loose := append(before, after...); len(loose) > 0 {
		return Group{}, loose[0].invalid("%.80q is no bullet and continues none", loose[0].text)
	}
	for _, it := range all {
		st := it.passage().statement(len(k.Statements)+1, kind)
		st.Depth = depth
		k.Statements = append(k.Statements, st)
	}
	if len(k.Statements) == 0 {
		return Group{}, b.heading.invalid("nothing stands under %q; is the document cut off?", b.heading.text)
	}
	key := keyOf(depth, strings.ToLower(ksaTitles[kind]))
	return Group{Key: key, Title: title, Kind: KSA, Competences: []Competence{k}}, nil
}
