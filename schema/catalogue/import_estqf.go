package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Estonian standard has three parts: A describes the occupation, B the
// competences (B.1 says which of them an award asks for, B.2 onwards lists
// them), C is a list of labels and values. What the register puts before A -
// a usage note, labels of its own - is read where it is known.

var estqfHeading = regexp.MustCompile(`^(?:A\s+Description\b|A\.\d+\s+\p{Lu}|B\s+Competency\b|B\.\d+\s+\p{Lu}|C\s+General\b|Annex \d+\b)`)

// estqf is a standard in the making.
type estqf struct {
	Standard
	rules structure
}

func importEstQF(lines []line, opts Options) (*Standard, error) {
	e := &estqf{}
	var competences []line
	for _, b := range blocks(lines, func(l line) (string, bool) { return l.text, estqfHeading.MatchString(l.text) }) {
		var err error
		switch name, _, _ := strings.Cut(b.heading.text, " "); {
		case name == "":
			err = e.preamble(b.lines)
		case name == "B.1":
			err = e.structure(b)
		case strings.HasPrefix(name, "B."):
			competences = append(append(competences, b.heading), b.lines...)
		case name == "C":
			err = e.general(b.lines)
		default:
			e.describe(b)
		}
		if err != nil {
			return nil, err
		}
	}
	last := lines[len(lines)-1]
	if len(competences) == 0 {
		return nil, last.invalid("the document ends without a heading \"B.2 Competences\"; is it cut off?")
	}
	if err := e.competences(competences); err != nil {
		return nil, err
	}
	if e.Designation == "" {
		return nil, last.invalid("the document ends without its \"Designation of occupational qualification standard in register\"; is it cut off?")
	}
	if err := e.settleAward(); err != nil {
		return nil, err
	}
	return e.finish(lines[0], opts)
}

const usageNote = "An occupational qualification standard is a document"

// preamble reads what stands before the first heading: labels of the register,
// its note on what standards are for, and part A.1 where its heading is lost.
func (e *estqf) preamble(lines []line) error {
	lines, err := e.labels(lines)
	if err != nil {
		return err
	}
	lines = written(lines)
	if i := slices.IndexFunc(lines, func(l line) bool { return titled.MatchString(l.text) }); i >= 0 {
		e.Title = titled.FindStringSubmatch(lines[i].text)[1]
		lines = slices.Delete(slices.Clone(lines), i, i+1)
	}
	if len(lines) > 0 && strings.HasPrefix(lines[0].text, usageNote) {
		e.Narrative = append(e.Narrative, section("Usage note", lines[:1]))
		lines = lines[1:]
	}
	if len(lines) > 0 {
		e.Narrative = append(e.Narrative, section("A.1 Description of work", lines, unfold, joinBroken))
		e.note("The source has no heading A.1; the text before A.2 is kept under it.")
	}
	return nil
}

// titled is a line that is the title of a standard, level and all.
var titled = regexp.MustCompile(`^(\p{Lu}[^.:]{1,118}), EstQF [Ll]evel [1-8]$`)

// describe keeps a part that is for people. A.6 says what a person usually has
// behind them; A.7 lists other titles of the occupation.
func (e *estqf) describe(b block) {
	name, _, _ := strings.Cut(b.heading.text, " ")
	fixes := []fix{unfold, joinBroken}
	if name == "A.2" || name == "A.7" {
		fixes = fixes[:1] // lists: a small letter begins an entry
	}
	s := section(b.heading.text, b.lines, fixes...)
	if s.Text == "" {
		return // a heading over headings
	}
	e.Narrative = append(e.Narrative, s)
	switch name {
	case "A.6":
		e.Prerequisites = append(e.Prerequisites, Prerequisite{Text: s.Text, Advisory: true})
	case "A.7":
		for _, alias := range strings.FieldsFunc(s.Text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
			if alias = strings.Trim(alias, " ."); alias != "" {
				e.Aliases = append(e.Aliases, alias)
			}
		}
	}
}

var (
	recurringTitle = regexp.MustCompile(`^(\p{Lu}.{1,118}?), EstQF [Ll]evel [1-8] recurring competences?$`)
	comprises      = regexp.MustCompile(`\b(?:The|the|The occupation of) (\p{L}[^.:]{1,118}?)(?: occupation)? comprises\b`)
	annex          = regexp.MustCompile(`\bAnnex \d+\b`)
)

// finish gives the standard its title, key and version, and looks for what the
// source promises and does not hold.
func (e *estqf) finish(first line, opts Options) (*Standard, error) {
	if opts.Title != "" {
		e.Title = opts.Title
	}
	if e.Title == "" {
		e.findTitle()
	}
	if e.Title == "" {
		return nil, first.invalid("the document does not say the title of the standard; give it")
	}
	e.Version = e.Designation
	if e.Level == nil {
		if _, level, ok := readDesignation(e.Designation); ok {
			e.Level = &Level{Framework: frameworkEstQF, Value: level}
		}
	}
	if e.Level != nil {
		e.Key = keyOf(e.Title, strconv.Itoa(e.Level.Value))
		e.EQFDerived = e.Level.Value
		if e.EQFReference == "" {
			e.note("The source leaves the EQF reference empty; EQF level %d follows from the EstQF level, whose descriptors are the same.", e.EQFDerived)
		}
	}
	e.noteAnnexes()
	return &e.Standard, nil
}

// findTitle takes the title from where it stands in passing.
func (e *estqf) findTitle() {
	for _, k := range e.Competences() {
		if m := recurringTitle.FindStringSubmatch(k.Title); m != nil {
			e.Title = m[1]
			e.note("The source has no title line; the title is taken from the recurring competence %s.", k.Code)
			return
		}
	}
	if m := comprises.FindStringSubmatch(e.rules.text); m != nil {
		e.Title = strings.ToUpper(m[1][:1]) + m[1][1:]
		e.note("The source has no title line; the title is taken from B.1.")
	}
}

func (e *estqf) noteAnnexes() {
	present := map[string]bool{}
	for _, n := range e.Narrative {
		present[annex.FindString(n.Heading)] = true
	}
	for _, k := range e.Competences() {
		for _, st := range k.Statements {
			for _, name := range annex.FindAllString(st.Text, -1) {
				if !present[name] {
					present[name] = true
					e.note("%s/%d speaks of %s, which the source does not hold.", k.Code, st.Ordinal, name)
				}
			}
		}
	}
}

// registerDate reads a date as the register writes it, 10.05.2023.
func registerDate(l line) (string, error) {
	t, err := time.Parse("2.1.2006", l.text)
	if err != nil {
		return "", l.invalid("%.40q is not a date, as in 10.05.2023", l.text)
	}
	return t.Format(time.DateOnly), nil
}
