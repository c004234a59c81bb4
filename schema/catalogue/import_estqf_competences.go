package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	estqfGroup = regexp.MustCompile(`(?i)^(?:B\.\d+\s+)?(mandatory|compulsory|elective|recurring)\s+competences?:?$`)
	estqfSpec  = regexp.MustCompile(`(?i)^(?:B\.\d+\s+)?(?:competences?\s+(?:of|related\s+to|linked\s+to|bound\s+to)\s+(?:the\s+)?)?specialisation:?\s+["“]?(.+?)["”]?:?$`)
	estqfList  = regexp.MustCompile(`(?i)^B\.\d+\s+competences?:?$`)
	estqfCode  = regexp.MustCompile(`^(` + oneCode + `)\.?(?:\s+(\S.*))?$`)
	estqfTable = regexp.MustCompile(`(?i)^(?:competence|estqf level|competence\s+estqf level|(?:view|hide) competence)$`)
	ecfSuffix  = regexp.MustCompile(`\s*\(e-CF\s+competences?\s+([^()]*)\)$`)
	ecfCode    = regexp.MustCompile(`\b[A-E]\.\d{1,2}\b`)
)

// The labels inside a competence, and what the lines below them are.
var estqfParts = map[string]StatementKind{
	"performance indicators": IndicatorStatement,
	"knowledge":              Knowledge,
	"assessment method(s)":   "",
	"assessment methods":     "",
	"assessment method":      "",
}

// competenceReader reads part B.2 line by line.
type competenceReader struct {
	groups []Group
	title  []line        // of the competence, as far as it was read
	part   string        // the label that was read last in the competence
	kind   StatementKind // of the statements under it
	next   int           // number that the next of them must have
	note   func(format string, args ...any)
}

func (e *estqf) competences(lines []line) error {
	r := &competenceReader{note: e.note}
	for _, l := range written(lines) {
		if err := r.read(l); err != nil {
			return err
		}
	}
	if err := r.levelled(); err != nil {
		return err
	}
	if len(r.groups) == 0 {
		return lines[0].invalid("no group of competences follows, as under the heading \"Mandatory competences\"; is the document cut off?")
	}
	for _, g := range r.groups {
		if len(g.Competences) == 0 {
			return lines[0].invalid("the group %q below has no competences; is the document cut off?", g.Title)
		}
		for _, k := range g.Competences {
			if len(k.Statements) == 0 || k.Title == "" {
				return lines[0].invalid("competence %s below has no performance indicators; is the document cut off?", k.Code)
			}
		}
		if isSpecialised(g) && !slices.Contains(e.Specialisations, g.Title) {
			e.Specialisations = append(e.Specialisations, g.Title)
		}
	}
	e.Groups = r.groups
	return nil
}

func (r *competenceReader) read(l line) error {
	if k := r.current(); k != nil && (len(r.title) == 0 || r.awaitsLevel(k) && titleEnd.MatchString(l.text)) {
		r.name(k, l)
		return nil
	}
	if estqfTable.MatchString(l.text) || estqfList.MatchString(l.text) {
		return nil // the page's furniture
	}
	if g, ok := groupHeading(l); ok {
		return r.open(l, g)
	}
	if m := estqfCode.FindStringSubmatch(l.text); m != nil {
		return r.begin(l, m[1], m[2])
	}
	k := r.current()
	if k == nil {
		return r.outside(l)
	}
	if kind, ok := estqfParts[strings.ToLower(strings.TrimSuffix(l.text, ":"))]; ok {
		err := r.levelled()
		r.part, r.kind, r.next = l.text, kind, 1
		return err
	}
	return r.inside(k, l)
}

// current is the competence being read, or nil between a group's heading and
// its first competence.
func (r *competenceReader) current() *Competence {
	if len(r.groups) == 0 {
		return nil
	}
	g := &r.groups[len(r.groups)-1]
	if len(g.Competences) == 0 {
		return nil
	}
	return &g.Competences[len(g.Competences)-1]
}

func groupHeading(l line) (Group, bool) {
	if m := estqfGroup.FindStringSubmatch(l.text); m != nil {
		kind := kindWords[strings.ToLower(m[1])]
		return Group{Key: string(kind), Title: strings.TrimSuffix(l.text, ":"), Kind: kind}, true
	}
	if m := estqfSpec.FindStringSubmatch(l.text); m != nil {
		return Group{Key: keyOf("specialisation", m[1]), Title: m[1], Kind: ElectiveGroup}, true
	}
	return Group{}, false
}

// isSpecialised says whether the competences of a group belong to a
// specialisation: asked of those who chose it, all of them.
func isSpecialised(g Group) bool { return strings.HasPrefix(g.Key, "specialisation-") }

func (r *competenceReader) open(l line, g Group) error {
	if slices.ContainsFunc(r.groups, func(other Group) bool { return other.Key == g.Key }) {
		return l.invalid("the heading %.80q stands twice", l.text)
	}
	if err := r.levelled(); err != nil {
		return err
	}
	r.groups = append(r.groups, g)
	return nil
}

func (r *competenceReader) begin(l line, code, title string) error {
	if len(r.groups) == 0 {
		return l.invalid("%s stands under no heading such as \"Mandatory competences\"", code)
	}
	if err := r.levelled(); err != nil {
		return err
	}
	g := &r.groups[len(r.groups)-1]
	g.Competences = append(g.Competences, Competence{Code: code})
	r.title, r.part = nil, ""
	if title != "" {
		r.name(r.current(), line{l.no, title})
	}
	return nil
}

// name adds a line to the title of a competence. Its references to the European
// e-Competence Framework are kept apart from it.
func (r *competenceReader) name(k *Competence, l line) {
	r.title = append(r.title, l)
	text := joined(r.title, " ")
	k.Refs = nil
	if m := ecfSuffix.FindStringSubmatch(text); m != nil {
		text = strings.TrimSuffix(text, m[0])
		k.Refs = slices.Compact(ecfCode.FindAllString(m[1], -1))
	}
	k.Title = text
}

// titleEnd is the second line of a title that would else be taken for the
// page's furniture or for the heading of a group.
var titleEnd = regexp.MustCompile(`^(?:recurring )?competence$`)

// awaitsLevel says whether a competence has not come further than its title.
func (r *competenceReader) awaitsLevel(k *Competence) bool { return k.Level == 0 && r.part == "" }

// levelled refuses a title of several lines that no level ends: what was joined
// to it may have been anything.
func (r *competenceReader) levelled() error {
	if k := r.current(); k == nil || len(r.title) < 2 || !r.awaitsLevel(k) {
		return nil
	}
	_, err := estqfLevel(r.title[1])
	return err
}

// outside reads a line between a group's heading and its first competence.
func (r *competenceReader) outside(l line) error {
	if len(r.groups) == 0 {
		return l.invalid("%.80q stands under no heading such as \"Mandatory competences\"", l.text)
	}
	g := &r.groups[len(r.groups)-1]
	g.Note = strings.TrimPrefix(g.Note+"\n"+l.text, "\n")
	return nil
}

// inside reads a line of a competence: its level, or a line under a label.
func (r *competenceReader) inside(k *Competence, l line) error {
	switch {
	case r.part == "":
		return r.level(k, l)
	case r.kind == "":
		k.AssessmentMethod = strings.TrimPrefix(k.AssessmentMethod+"\n"+l.text, "\n")
		return nil
	}
	m := numberMark.FindStringSubmatch(l.text)
	if m == nil {
		return r.continues(k, l)
	}
	if m[1] != strconv.Itoa(r.next) {
		return l.invalid("number %s of competence %s stands where number %d was to come", m[1], k.Code, r.next)
	}
	r.next++
	k.Statements = append(k.Statements, passage{text: m[2]}.statement(len(k.Statements)+1, r.kind))
	return nil
}

// level reads the line below the title of a competence: its level, or more of
// the title.
func (r *competenceReader) level(k *Competence, l line) error {
	level, err := estqfLevel(l)
	if err != nil {
		if r.awaitsLevel(k) && !unicode.IsDigit(rune(l.text[0])) {
			r.name(k, l)
			return nil
		}
		return err
	}
	if r.awaitsLevel(k) && len(r.title) > 1 {
		r.note("The title of %s stands on lines %d to %d, which are joined.", k.Code, r.title[0].no, r.title[len(r.title)-1].no)
	}
	k.Level = level
	return nil
}

// continues joins a line to the indicator that it carries on.
func (r *competenceReader) continues(k *Competence, l line) error {
	if r.next == 1 {
		return l.invalid("%.80q of competence %s has no number", l.text, k.Code)
	}
	st := &k.Statements[len(k.Statements)-1]
	if st.Raw == "" {
		st.Raw = st.Text
	}
	joined := item{lines: []line{{0, st.Text}, l}}.passage()
	st.Text, st.Raw = joined.text, st.Raw+"\n"+l.text
	st.Repairs = append(st.Repairs, joined.repairs...)
	return nil
}
