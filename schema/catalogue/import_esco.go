package catalogue

import (
	"regexp"
	"strconv"
	"strings"
)

// An ESCO occupation page is a run of headings with nothing to mark them but
// their words. Four of them hold concepts, one to a line: term, colon,
// definition.

// escoGroups are the headings that hold concepts.
var escoGroups = map[string]struct {
	key, prefix string
	kind        GroupKind
	statement   StatementKind
}{
	"essential knowledge":              {"essential-knowledge", "EK", Essential, Knowledge},
	"essential skills and competences": {"essential-skills", "ES", Essential, Skill},
	"essential skills":                 {"essential-skills", "ES", Essential, Skill},
	"optional knowledge":               {"optional-knowledge", "OK", Optional, Knowledge},
	"optional skills and competences":  {"optional-skills", "OS", Optional, Skill},
	"optional skills":                  {"optional-skills", "OS", Optional, Skill},
}

// escoSections are the other headings.
var escoSections = []string{
	"description", "other titles", "minimum qualifications", "isco skill level", "similar occupations",
	"long term prospects", "essential knowledge and skills", "optional knowledge and skills",
	"isco group and title", "references", "working conditions", "working hours", "scope note", "regulatory aspects",
}

var (
	careerPath  = regexp.MustCompile(`^(.{1,120}) career path$`)
	otherTitles = regexp.MustCompile(`^The following job titles also refer to (.{1,120}):$`)
	escoSource  = regexp.MustCompile(`^(?:[-•*]\s+)?(.{1,120}?)\s+[–—-]\s+ESCO$`)
	skillLevel  = regexp.MustCompile(`(?i)\bis an? skill level ([1-4]) occupation\b`)
	iscoGroup   = regexp.MustCompile(`^(\d{1,4})\s*[–—-]\s*(\S.*)$`)
)

func escoHeading(l line) (string, bool) {
	text := plainHeading(l.text)
	low := strings.ToLower(text)
	if _, ok := escoGroups[low]; ok {
		return text, true
	}
	for _, heading := range escoSections {
		if low == heading {
			return text, true
		}
	}
	return text, careerPath.MatchString(text)
}

func importESCO(lines []line, opts Options) (*Standard, error) {
	s := &Standard{Title: opts.Title}
	for _, pattern := range []*regexp.Regexp{otherTitles, careerPath, escoSource} {
		if s.Title == "" {
			s.Title, _ = find(lines, pattern)
		}
	}
	if s.Title == "" {
		return nil, lines[0].invalid("the document does not say the title of the occupation; give it")
	}
	s.Key = keyOf(s.Title)
	for _, b := range blocks(lines, escoHeading) {
		if err := escoBlock(s, b); err != nil {
			return nil, err
		}
	}
	if len(s.Award.Required) == 0 {
		return nil, lines[len(lines)-1].invalid("the document ends without essential knowledge or skills; is it cut off?")
	}
	return s, nil
}

func escoBlock(s *Standard, b block) error {
	heading := strings.ToLower(b.heading.text)
	if _, ok := escoGroups[heading]; ok {
		return escoConcepts(s, b)
	}
	text := written(b.lines)
	switch heading {
	case "":
		if len(text) > 0 {
			s.Narrative = append(s.Narrative, section("Introduction", text))
		}
		return nil
	case "essential knowledge and skills", "optional knowledge and skills":
		if len(text) == 0 {
			return nil // only the headings below it
		}
	case "other titles":
		for _, l := range text {
			if !otherTitles.MatchString(l.text) {
				s.Aliases = append(s.Aliases, unbulleted(l.text))
			}
		}
	case "minimum qualifications":
		if len(text) > 0 {
			s.Prerequisites = append(s.Prerequisites, prerequisite(joined(text, "\n")))
		}
	case "isco skill level":
		if level, ok := find(text, skillLevel); ok {
			n, _ := strconv.Atoi(level) // the pattern lets only 1 to 4 through
			s.Level = &Level{Framework: frameworkISCO, Value: n}
		}
	case "isco group and title":
		for _, l := range text {
			m := iscoGroup.FindStringSubmatch(l.text)
			if m == nil {
				return l.invalid("%.80q is not an ISCO code and its name, as in 1330 – Service managers", l.text)
			}
			s.Classifications = append(s.Classifications, Classification{System: "ISCO-08", Code: m[1], Label: m[2]})
		}
	}
	escoNarrative(s, b.heading.text, text)
	return nil
}

func escoNarrative(s *Standard, heading string, text []line) {
	s.Narrative = append(s.Narrative, section(heading, text))
	switch {
	case len(text) == 0:
		s.note("Nothing stands under the heading %q.", heading)
	case len(text) == 1 && strings.EqualFold(heading, "Long term prospects"):
		s.note("Under the heading %q stands an introduction, and no list.", heading)
	}
}

// escoConcepts reads the concepts of a group. Optional ones are recorded: an
// award asks for all the essential ones.
func escoConcepts(s *Standard, b block) error {
	kind := escoGroups[strings.ToLower(b.heading.text)]
	if _, ok := s.group(kind.key); ok {
		return b.heading.invalid("the heading %q stands twice", b.heading.text)
	}
	g := Group{Key: kind.key, Title: b.heading.text, Kind: kind.kind}
	text := written(b.lines)
	if len(text) > 0 && !strings.Contains(text[0].text, ": ") {
		g.Note, text = text[0].text, text[1:]
	}
	for _, it := range concepts(text, isConcept) {
		p := it.passage()
		term, definition, ok := strings.Cut(p.text, ": ")
		term, definition = strings.TrimSpace(term), strings.TrimSpace(definition)
		if !ok || term == "" || definition == "" {
			return line{no: it.no}.invalid("%.80q is not a term, a colon and its definition", p.text)
		}
		p.text = definition
		g.Competences = append(g.Competences, Competence{
			Code: kind.prefix + "." + strconv.Itoa(len(g.Competences)+1), Title: term,
			Statements: []Statement{p.statement(1, kind.statement)},
		})
	}
	if len(g.Competences) == 0 {
		s.note("Nothing stands under the heading %q.", b.heading.text)
		return nil
	}
	s.Groups = append(s.Groups, g)
	if g.Kind == Essential {
		s.Award.Required = append(s.Award.Required, g.Key)
	}
	return nil
}

// conceptForm is a term without the end of a sentence in it, a colon and a
// definition.
var conceptForm = regexp.MustCompile(`^(.{1,120}?): +\S`)

var sentenceEnd = regexp.MustCompile(`[.;!?](?:\s|$)`)

// isConcept says whether a line is a concept of its own. Terms are written with
// small letters, so a definition that ends in a bracket would take it in.
func isConcept(text string) bool {
	m := conceptForm.FindStringSubmatch(text)
	return m != nil && !sentenceEnd.MatchString(m[1])
}

// concepts makes an item of each line, and joins a line to the one whose
// sentence it carries on. A line that stands on its own is never joined.
func concepts(text []line, own func(string) bool) []item {
	var all []item
	for _, l := range text {
		l.text = unbulleted(l.text)
		if n := len(all); n > 0 && all[n-1].goesOn(l) && !own(l.text) {
			all[n-1].lines = append(all[n-1].lines, l)
			continue
		}
		all = append(all, item{no: l.no, lines: []line{l}})
	}
	return all
}
