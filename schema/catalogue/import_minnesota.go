package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A competency model of the Minnesota dual-training pipeline lists its
// competences in two groups of bullets. Each bullet is a title and a
// description, and only some titles are set off in bold.

// minnesotaGroups are the two headings. The models put a space after the hyphen
// or leave it out.
var minnesotaGroups = map[string]Group{
	"industry-sector technical competencies": {Key: "technical", Kind: Essential, DeliveryMode: "related instruction"},
	"occupation-specific competencies":       {Key: "occupation-specific", Kind: Essential, DeliveryMode: "on-the-job training"},
}

// openers are the words that begin a description. A title without bold ends
// before the first of them, and none of them begins a title.
var openers = []string{
	"Understand", "Understands", "Understanding of", "Able to", "Ability to", "Know how to", "Know the", "Know what",
	"Knows how to", "Knowledge of", "Knowledgeable", "Proficient at", "Proficient in", "Proficiency in", "Familiar with",
	"Skilled at", "Skilled in", "Capable of",
}

var (
	opener         = regexp.MustCompile(`^(.*?\S)\s+(` + strings.Join(openers, "|") + `)\b`)
	boldTitle      = regexp.MustCompile(`^\*\*(.+?)\*\*\s*[:–—-]?\s*(.*)$`)
	modelTitle     = regexp.MustCompile(`(?i)^Competency Model for (?:.{1,80} Occupations?: )?(.{1,120})$`)
	modelUpdated   = regexp.MustCompile(`(?i)^(?:updated|revised)\b.{0,40}$`)
	spacedHyphen   = regexp.MustCompile(`-\s+`)
	trailingBorder = " :–—-"
)

func minnesotaHeading(l line) (string, bool) {
	text := plainHeading(l.text)
	_, ok := minnesotaGroups[strings.ToLower(spacedHyphen.ReplaceAllString(text, "-"))]
	return text, ok
}

func importMinnesota(lines []line, opts Options) (*Standard, error) {
	s := &Standard{Title: opts.Title, Version: printedDate(lines)}
	var plain []line
	for _, l := range lines {
		plain = append(plain, line{l.no, plainHeading(l.text)})
	}
	if s.Title == "" {
		s.Title, _ = find(plain, modelTitle)
	}
	if s.Title == "" {
		return nil, lines[0].invalid("no line \"Competency Model for ...\" says the title; give it")
	}
	s.Key = keyOf(s.Title)
	m := &model{Standard: s, titles: slices.Clone(opts.Titles)}
	for _, b := range blocks(lines, minnesotaHeading) {
		var err error
		if b.heading.text == "" {
			m.preamble(b.lines)
		} else {
			err = m.group(b)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(s.Groups) == 0 {
		return nil, lines[len(lines)-1].invalid("the document ends without a heading such as \"Occupation-Specific Competencies\"; is it cut off?")
	}
	if len(m.titles) > 0 {
		return nil, lines[len(lines)-1].invalid("no bullet begins with the title %.80q that was given", m.titles[0])
	}
	return s, nil
}

// model is a standard in the making.
type model struct {
	*Standard
	titles []string // given, and not yet met
}

// preamble keeps what stands before the groups.
func (m *model) preamble(lines []line) {
	for _, l := range written(lines) {
		heading := "Introduction"
		switch {
		case modelTitle.MatchString(plainHeading(l.text)):
			heading = "Title"
		case strings.HasPrefix(l.text, "Based on"):
			heading = "Based on"
		case strings.HasPrefix(l.text, "^{*}"):
			heading = "Footnote"
		case strings.HasPrefix(l.text, m.Title):
			heading = "Definition"
		}
		m.Narrative = append(m.Narrative, section(heading, []line{l}))
	}
}

func (m *model) group(b block) error {
	g := minnesotaGroups[strings.ToLower(spacedHyphen.ReplaceAllString(b.heading.text, "-"))]
	if _, ok := m.Standard.group(g.Key); ok {
		return b.heading.invalid("the heading %q stands twice", b.heading.text)
	}
	g.Title = b.heading.text
	before, all, after := items(m.footer(b.lines), bulletMark)
	g.Note = joined(before, "\n")
	for _, it := range all {
		k, err := m.competence(it)
		if err != nil {
			return err
		}
		k.Code = strings.ToUpper(g.Key[:1]) + "." + strconv.Itoa(len(g.Competences)+1)
		g.Competences = append(g.Competences, k)
	}
	if len(g.Competences) == 0 {
		return b.heading.invalid("no bullets stand under %q; is the document cut off?", b.heading.text)
	}
	if len(after) > 0 {
		return after[0].invalid("%.80q is no bullet and continues none", after[0].text)
	}
	m.Groups = append(m.Groups, g)
	m.Award.Required = append(m.Award.Required, g.Key)
	return nil
}

// footer takes out the line that says when the model was last written.
func (m *model) footer(lines []line) []line {
	var rest []line
	for _, l := range lines {
		if modelUpdated.MatchString(l.text) && printedDate([]line{l}) != "" {
			m.Narrative = append(m.Narrative, section("Footer", []line{l}))
			continue
		}
		rest = append(rest, l)
	}
	return rest
}

// competence splits a bullet into title and description: at a title that was
// given, else where the bold ends, else before the words that begin a
// description.
func (m *model) competence(it item) (Competence, error) {
	p := it.passage()
	where := line{no: it.no}
	title, description, ok := m.givenTitle(p.text)
	if !ok {
		if b := boldTitle.FindStringSubmatch(p.text); b != nil {
			title, description, ok = b[1], b[2], true
		}
	}
	if !ok {
		if o := opener.FindStringSubmatchIndex(p.text); o != nil {
			title, description, ok = p.text[:o[3]], p.text[o[4]:], true
			if p.raw == "" {
				p.raw = p.text
			}
			p.repairs = append(p.repairs, "title split off before the words "+p.text[o[4]:o[5]])
		}
	}
	title = strings.Trim(strings.Trim(title, trailingBorder), "* ")
	switch {
	case !ok:
		return Competence{}, where.invalid("no border can be found between the title and the description of %.80q; supply the titles", p.text)
	case title == "" || description == "":
		return Competence{}, where.invalid("%.80q has a title or a description, not both", p.text)
	}
	p.text = description
	return Competence{Title: title, Statements: []Statement{p.statement(1, Definition)}}, nil
}

// givenTitle finds the longest given title that the text begins with, in bold
// or not.
func (m *model) givenTitle(text string) (title, description string, ok bool) {
	best := -1
	for i, t := range m.titles {
		if rest, has := afterTitle(text, t); has && (best < 0 || len(t) > len(m.titles[best])) {
			best, description = i, rest
		}
	}
	if best < 0 {
		return "", "", false
	}
	title = m.titles[best]
	m.titles = slices.Delete(m.titles, best, best+1)
	return title, description, true
}

func afterTitle(text, title string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "**"), title)
	rest = strings.TrimPrefix(rest, "**")
	description := strings.TrimLeft(rest, trailingBorder)
	return description, ok && title != "" && description != rest
}
