package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What class specifications have in common, whichever employer writes them:
// numbered duties, lines of knowledge, skills and abilities, and what a person
// must have done before.

// A duty is a competence of its own with one statement, its text. Lines of
// knowledge, skill and ability make one competence for each kind and depth that
// the specification tells apart.
const classSpecNote = "Each numbered duty is a competence of its own, with the duty as its one statement; knowledge, skills and abilities make one competence for each kind."

// catchAll is the duty that stands for all the others. It cannot be judged.
var catchAll = regexp.MustCompile(`(?i)^(?:performs?\s+)?(?:any\s+|all\s+)?other\s+(?:related\s+)?(?:job\s+)?(?:duties|tasks|work)(?:\s+as)?\s+(?:assigned|required|needed|directed)\.?$`)

// duties reads the numbered duties of a section, and returns what it says
// about them beforehand.
func duties(b block, title string) (Group, error) {
	before, all, after := items(b.lines, numberMark)
	g := Group{Key: "duties", Title: title, Kind: Duty, Note: joined(before, "\n")}
	for i, it := range all {
		if it.label != strconv.Itoa(i+1) {
			return g, line{no: it.no}.invalid("number %s of the duties stands where number %d was to come", it.label, i+1)
		}
		p := it.passage()
		st := p.statement(1, DutyStatement)
		st.Assessable = !catchAll.MatchString(st.Text)
		g.Competences = append(g.Competences, Competence{
			Code: "D." + it.label, Title: shortTitle(st.Text), Statements: []Statement{st},
		})
	}
	switch {
	case len(all) == 0:
		return g, b.heading.invalid("no numbered duties stand under %q; is the document cut off?", b.heading.text)
	case len(after) > 0:
		return g, after[0].invalid("%.80q is no numbered duty and continues none", after[0].text)
	}
	return g, nil
}

// ksaDepths are the words that name a depth. Codes are made of their letters in
// this order: a new word goes to the end.
var ksaDepths = []string{
	"basic", "general", "working", "thorough", "extensive", "advanced", "considerable", "comprehensive", "some", "good",
}

// ksaLetters are the letters of each depth in a code: as many of its first ones
// as tell it from the depths before it.
var ksaLetters = func() map[string]string {
	letters, taken := map[string]string{}, map[string]bool{}
	for _, depth := range ksaDepths {
		n := 1
		for taken[depth[:n]] {
			n++
		}
		taken[depth[:n]] = true
		letters[depth] = strings.ToUpper(depth[:n])
	}
	return letters
}()

// ksaWords are the words that name a kind, as they begin a line ("Skill in ...")
// or stand alone over a list ("Skill to:").
var ksaWords = regexp.MustCompile(`(?i)^(?:(` + strings.Join(ksaDepths, "|") + `)\s+)?(knowledge|skills?|abilit(?:y|ies))\s+(?:of|in|to|with)\b`)

// ksaKind reads the kind and the depth that a text begins with.
func ksaKind(text string) (kind StatementKind, depth string, ok bool) {
	m := ksaWords.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	switch m[2][0] | 0x20 {
	case 'k':
		kind = Knowledge
	case 's':
		kind = Skill
	default:
		kind = Ability
	}
	return kind, strings.ToLower(m[1]), true
}

// isKSA says whether a line names its own kind.
func isKSA(text string) bool {
	_, _, ok := ksaKind(text)
	return ok
}

var ksaTitles = map[StatementKind]string{Knowledge: "Knowledge", Skill: "Skill", Ability: "Ability"}

// ksaTitle is "Extensive knowledge", or "Skill" where no depth is told.
func ksaTitle(kind StatementKind, depth string) string {
	if depth == "" {
		return ksaTitles[kind]
	}
	return strings.ToUpper(depth[:1]) + depth[1:] + " " + strings.ToLower(ksaTitles[kind])
}

// ksaCode is K for knowledge, and KE where the depth is part of the competence.
func ksaCode(kind StatementKind, depth string) string {
	return ksaTitles[kind][:1] + ksaLetters[depth]
}

// require adds a group to the standard and asks for it.
func (s *Standard) require(at line, g Group) error {
	if _, ok := s.group(g.Key); ok {
		return at.invalid("%q makes a second group of the same kind", at.text)
	}
	s.Groups = append(s.Groups, g)
	s.Award.Required = append(s.Award.Required, g.Key)
	return nil
}

// heading is a recogniser for the headings of a specification: each begins with
// one of the given words, and has nothing behind them but a remark in brackets.
func heading(words ...string) func(line) (string, bool) {
	return func(l line) (string, bool) {
		text := plainHeading(l.text)
		return text, slices.Contains(words, headingWords(text))
	}
}

var remark = regexp.MustCompile(`\s*\([^()]*\)$`)

// headingWords are the words of a heading, in small letters and without the
// remark behind them.
func headingWords(text string) string {
	return strings.TrimSuffix(strings.ToLower(remark.ReplaceAllString(text, "")), ":")
}

var (
	seriesPlace = regexp.MustCompile(`(?i)\b(first|second|third|fourth|fifth)\s+level\s+in\s+an?\s+(two|three|four|five|six)-level\b`)
	ordinals    = []string{"", "first", "second", "third", "fourth", "fifth"}
)

// series reads the place of a class in its series: "the first level in a
// three-level series".
func series(text string) *Level {
	m := seriesPlace.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	place, size := slices.Index(ordinals, strings.ToLower(m[1])), readNumber(m[2])
	return &Level{Framework: frameworkSeries, Value: place, SeriesPosition: place, SeriesSize: size}
}

var romanEnd = regexp.MustCompile(`(?i)^(.*\S)\s+([IV]{1,3})$`)

// abbreviated is the title as the text itself shortens it, "ITPM I" where the
// text has "Information Technology Project Manager (ITPM) I"; "" when it does
// not.
func abbreviated(title, text string) string {
	stem, level := title, ""
	if m := romanEnd.FindStringSubmatch(title); m != nil {
		stem, level = m[1], m[2]
	}
	short := regexp.MustCompile(`(?i:` + regexp.QuoteMeta(stem) + `)\s+\(([A-Z]{2,10})\)`).FindStringSubmatch(text)
	if short == nil {
		return ""
	}
	return strings.TrimSpace(short[1] + " " + strings.ToUpper(level))
}
