package catalogue

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Bounds that no real standard comes near; they keep a file of rubbish from
// becoming work for everybody else.
const (
	maxStatements = 2000
	maxRepeats    = 20       // of one text
	maxText       = 64 << 10 // bytes in one text
	maxProblems   = 10       // told at once
)

// Check says everything that is wrong with a standard, as one fault that is
// Invalid. What Read and Import return has passed it.
func (s *Standard) Check() error {
	c := &checker{s: s}
	c.head()
	c.dates()
	c.levels()
	c.groups()
	if err := s.bounded(); err != nil {
		return err
	}
	if len(c.problems) == 0 { // these look things up in sound groups
		c.award()
		c.partials()
		c.sameTexts()
	}
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return fault.Invalid.New("standard %.80q: %s", s.Key, c.problems[0])
	default:
		told := c.problems[:min(n, maxProblems)]
		return fault.Invalid.New("standard %.80q has %d problems:\n  %s", s.Key, n, strings.Join(told, "\n  "))
	}
}

// bounded refuses rubbish that is a standard in form only, before anybody
// compares each of its statements with all the others.
func (s *Standard) bounded() error {
	texts := map[string]int{}
	n := 0
	for _, k := range s.Competences() {
		for _, st := range k.Statements {
			n++
			texts[st.Text]++
			switch {
			case n > maxStatements:
				return fault.Invalid.New("standard %.80q has more than %d statements; no standard does", s.Key, maxStatements)
			case texts[st.Text] > maxRepeats:
				return fault.Invalid.New("standard %.80q says %.80q more than %d times; no standard does", s.Key, st.Text, maxRepeats)
			}
		}
	}
	return nil
}

// checker collects what is wrong, each with the place where it stands.
type checker struct {
	s        *Standard
	problems []string
}

func (c *checker) fail(where, format string, args ...any) {
	c.problems = append(c.problems, where+": "+fmt.Sprintf(format, args...))
}

func (c *checker) head() {
	s := c.s
	if !validKey(s.Key) {
		c.fail("key", "%.80q is not a key; write small letters, digits and single hyphens, as in it-manager-7", s.Key)
	}
	if s.Version == "" || len(s.Version) > 64 || strings.ContainsFunc(s.Version, unicode.IsSpace) {
		c.fail("version", "%.80q is not a version; write up to 64 characters without spaces", s.Version)
	}
	if !slices.Contains(Schemes(), s.Scheme) {
		c.fail("scheme", "%.80q is none of %v", s.Scheme, Schemes())
	}
	c.line("title", s.Title)
	for i, alias := range s.Aliases {
		c.line(at("aliases", i), alias)
	}
	for i, name := range s.Specialisations {
		c.line(at("specialisations", i), name)
	}
	c.unique("specialisations", s.Specialisations)
	for where, text := range map[string]string{
		"version": s.Version, "designation": s.Designation, "field": s.Field, "council": s.Council,
		"decision_no": s.DecisionNo, "eqf_reference": s.EQFReference,
	} {
		if text != "" {
			c.line(where, text)
		}
	}
	c.source()
	c.prose()
}

func (c *checker) source() {
	src := c.s.Source
	if src == (Source{}) {
		return // written by hand, from no document
	}
	c.line("source.file", src.File)
	if strings.ContainsAny(src.File, `/\`) {
		c.fail("source.file", "%.80q names a folder; write the name of the file only", src.File)
	}
	if src.SHA256 == (canon.Digest{}) {
		c.fail("source.sha256", "is missing, though source.file is given")
	}
}

func (c *checker) prose() {
	for i, n := range c.s.Narrative {
		where := at("narrative", i)
		c.line(where+".heading", n.Heading)
		if n.Text != "" { // a heading may stand alone
			c.text(where+".text", n.Text)
		}
		c.repaired(where, n.Text, n.Raw, n.Repairs)
	}
	for i, p := range c.s.Prerequisites {
		c.text(at("prerequisites", i)+".text", p.Text)
	}
	for i, n := range c.s.Notes {
		c.text(at("notes", i), n)
	}
	for i, k := range c.s.Classifications {
		c.line(at("classifications", i)+".system", k.System)
		c.line(at("classifications", i)+".code", k.Code)
		if k.Label != "" {
			c.line(at("classifications", i)+".label", k.Label)
		}
	}
}

func (c *checker) dates() {
	s := c.s
	for where, date := range map[string]string{"valid_from": s.ValidFrom, "valid_to": s.ValidTo, "decision_date": s.DecisionDate} {
		if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
			c.fail(where, "%.40q is not a date; write year-month-day, as in 2023-05-10", date)
		}
	}
	if s.ValidFrom != "" && s.ValidTo != "" && s.ValidTo < s.ValidFrom {
		c.fail("valid_to", "%.40q is before valid_from %.40q", s.ValidTo, s.ValidFrom)
	}
	if s.Designation == "" {
		return
	}
	date, level, ok := readDesignation(s.Designation)
	switch {
	case !ok:
		c.fail("designation", "%.80q is not a designation of the register, as in 08-10052023-1.1/7k", s.Designation)
	case date != s.DecisionDate:
		c.fail("designation", "%s is of a decision on %s, but decision_date is %.40q", s.Designation, date, s.DecisionDate)
	case s.Level == nil || s.Level.Value != level:
		c.fail("designation", "%s is of level %d, but level.value is not", s.Designation, level)
	}
}

// Frameworks of levels that have a known highest level.
const (
	frameworkEstQF  = "EstQF"
	frameworkISCO   = "ISCO skill level"
	frameworkSeries = "class series"
)

var highestLevel = map[string]int{frameworkEstQF: 8, frameworkISCO: 4}

func (c *checker) levels() {
	s := c.s
	if s.EQFDerived < 0 || s.EQFDerived > 8 {
		c.fail("eqf_derived", "%d is not a level from 1 to 8", s.EQFDerived)
	}
	if s.Level == nil {
		if s.Scheme == EstQF {
			c.fail("level", "is missing; every EstQF standard has one")
		}
		return
	}
	l := *s.Level
	c.line("level.framework", l.Framework)
	if highest, known := highestLevel[l.Framework]; l.Value < 1 || known && l.Value > highest {
		c.fail("level.value", "%d is no level of %s", l.Value, l.Framework)
	}
	if l.SeriesPosition < 0 || l.SeriesSize < 0 || l.SeriesPosition > l.SeriesSize {
		c.fail("level.series_position", "%d of %d is not a place in a series", l.SeriesPosition, l.SeriesSize)
	}
	if s.Scheme == EstQF && l.Framework != frameworkEstQF {
		c.fail("level.framework", "is %q, but a standard of the scheme estqf has a level of %s", l.Framework, frameworkEstQF)
	}
	if s.EQFDerived != 0 && l.Framework == frameworkEstQF && s.EQFDerived != l.Value {
		c.fail("eqf_derived", "%d does not follow from EstQF level %d", s.EQFDerived, l.Value)
	}
}

func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// line holds a text to one line.
func (c *checker) line(where, s string) {
	if strings.ContainsAny(s, "\n\t") {
		c.fail(where, "is more than one line, or has a tab in it")
		return
	}
	c.text(where, s)
}

// text holds a text to what can be shown and printed as it is.
func (c *checker) text(where, s string) {
	switch {
	case s == "":
		c.fail(where, "is missing")
	case !utf8.ValidString(s):
		c.fail(where, "is not UTF-8")
	case len(s) > maxText:
		c.fail(where, "is longer than %d bytes", maxText)
	case strings.TrimSpace(s) != s:
		c.fail(where, "begins or ends with white space")
	default:
		if i := strings.IndexFunc(s, unprintable); i >= 0 {
			r, _ := utf8.DecodeRuneInString(s[i:])
			c.fail(where, "has the character %U in it, which cannot be printed", r)
		}
	}
}

// unprintable says whether r would vanish from a page or change what others say:
// control characters, and those that turn the direction of writing.
func unprintable(r rune) bool {
	return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\uFEFF' || r == utf8.RuneError
}

// repaired holds raw and repairs to each other: neither without the other.
func (c *checker) repaired(where, text, raw string, repairs []string) {
	switch {
	case raw == "" && len(repairs) > 0:
		c.fail(where+".repairs", "tell of a repair, but raw is missing")
	case raw != "" && len(repairs) == 0:
		c.fail(where+".raw", "is given, but repairs do not say what was repaired")
	case raw != "" && raw == text:
		c.fail(where+".raw", "is the same as text; leave it out")
	case raw != "":
		c.text(where+".raw", raw)
	}
	for i, r := range repairs {
		c.line(at(where+".repairs", i), r)
	}
}

func (c *checker) unique(where string, names []string) {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			c.fail(where, "name %.80q twice", name)
		}
	}
}
