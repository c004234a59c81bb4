package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// structure is what B.1 says about the whole: which competences are of which
// kind, and how many of the elective ones are asked.
type structure struct {
	heading  line
	text     string
	declared map[GroupKind][]string
	elective int  // 0 when B.1 does not say
	free     bool // the elective competences are asked of nobody
}

const (
	oneCode  = `B\.\d{1,2}\.\d{1,3}`
	codeList = oneCode + `(?:\s*(?:[-–—,;&]|and|or|to)\s*(?:and\s+|or\s+)?` + oneCode + `)*`
	number   = `(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten)`
)

var (
	declared   = regexp.MustCompile(`(?i)\b(mandatory|compulsory|elective|recurring)\s+competences?:?\s+(?:are\s+)?(` + codeList + `)`)
	asked      = regexp.MustCompile(`(?i)\b` + number + `\s+(?:of\s+)?(?:the\s+)?(?:following\s+)?(?:\p{L}+\s+)?elective\s+competences?\b`)
	askedAfter = regexp.MustCompile(`(?i)\belective\s+competences?\b[^.]*?(?:\.\d[^.]*?)*?\b(?:at\s+least|minimum\s+of|choose|of\s+which)\s+(?:at\s+least\s+)?` + number + `\b`)
	notAsked   = regexp.MustCompile(`(?i)\belective\s+competences?\b.*\bnot\s+(?:mandatory|compulsory|required|obligatory)\b`)
	aCode      = regexp.MustCompile(oneCode)
	partOfName = regexp.MustCompile(`(?i)^(?:the\s+)?partial\s+(?:occupational\s+)?qualification\s+["“]?(.+)$`)

	// partialLine is a partial qualification with its competences:
	// "Junior tester, EstQF level 4: competences B.2.1 and B.2.3-B.2.5".
	partialLine = regexp.MustCompile(`(?i)^(\S.*?)["”]?(?:,?\s+\(?EstQF\s+level\s+([1-8])\)?["”]?)?\s*(?::|\s[–—-]|\s(?:comprises|consists\s+of|includes|requires))\s*(?:the\s+)?(?:mandatory\s+|elective\s+)?(?:competences?:?\s+)?(` + codeList + `)\.?$`)
)

var numbers = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

func readNumber(s string) int {
	if n := slices.Index(numbers, strings.ToLower(s)); n >= 0 {
		return n
	}
	n, _ := strconv.Atoi(s) // the pattern lets nothing else through
	return n
}

var kindWords = map[string]GroupKind{"mandatory": Mandatory, "compulsory": Mandatory, "elective": ElectiveGroup, "recurring": Recurring}

func (e *estqf) structure(b block) error {
	lines, err := e.labels(b.lines)
	if err != nil {
		return err
	}
	e.Narrative = append(e.Narrative, section(b.heading.text, b.lines, unfold, joinBroken))
	if lines, err = e.partialSentences(lines); err != nil {
		return err
	}
	r := structure{heading: b.heading, text: joined(lines, " "), declared: map[GroupKind][]string{}}
	for _, m := range declared.FindAllStringSubmatch(r.text, -1) {
		codes, err := codesOf(line{b.heading.no, m[2]})
		if err != nil {
			return err
		}
		kind := kindWords[strings.ToLower(m[1])]
		for _, c := range codes {
			if !slices.Contains(r.declared[kind], c) {
				r.declared[kind] = append(r.declared[kind], c)
			}
		}
	}
	if m := asked.FindStringSubmatch(r.text); m != nil {
		r.elective = readNumber(m[1])
	} else if m := askedAfter.FindStringSubmatch(r.text); m != nil {
		r.elective = readNumber(m[1])
	}
	r.free = notAsked.MatchString(r.text)
	e.rules = r
	return nil
}

// partialSentences takes the partial qualifications out of B.1 that are told in
// a sentence each.
func (e *estqf) partialSentences(lines []line) (rest []line, err error) {
	for _, l := range lines {
		m := partOfName.FindStringSubmatch(l.text)
		if m == nil || !partialLine.MatchString(m[1]) {
			rest = append(rest, l)
			continue
		}
		if err := e.partials([]line{{l.no, m[1]}}); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// codesOf reads "B.2.1, B.2.3-B.2.5 and B.2.7".
func codesOf(l line) ([]string, error) {
	var codes []string
	at := aCode.FindAllStringIndex(l.text, -1)
	for i, span := range at {
		this := l.text[span[0]:span[1]]
		if i > 0 && isRange(l.text[at[i-1][1]:span[0]]) {
			between, ok := codesBetween(codes[len(codes)-1], this)
			if !ok {
				return nil, l.invalid("%s-%s is not a range of competences", codes[len(codes)-1], this)
			}
			codes = append(codes, between...)
		}
		codes = append(codes, this)
	}
	return codes, nil
}

func isRange(between string) bool {
	between = strings.TrimSpace(between)
	return between == "to" || strings.Trim(between, "-–—") == ""
}

// codesBetween are the codes after from and before to.
func codesBetween(from, to string) ([]string, bool) {
	i := strings.LastIndex(from, ".")
	first, err1 := strconv.Atoi(from[i+1:])
	last, err2 := strconv.Atoi(strings.TrimPrefix(to, from[:i+1]))
	if err1 != nil || err2 != nil || last <= first {
		return nil, false
	}
	var codes []string
	for n := first + 1; n < last; n++ {
		codes = append(codes, fmt.Sprintf("%s%d", from[:i+1], n))
	}
	return codes, true
}

func (e *estqf) partials(lines []line) error {
	for _, l := range lines {
		text := unmarked(l.text)
		if noValue(text) {
			continue
		}
		m := partialLine.FindStringSubmatch(text)
		if m == nil {
			return l.invalid("the partial qualification %.80q does not say its competences; write them behind a colon, as in B.2.1 and B.2.3-B.2.5", text)
		}
		codes, err := codesOf(line{l.no, m[3]})
		if err != nil {
			return err
		}
		p := Partial{Name: strings.Trim(m[1], `"“” `), Competences: codes}
		if m[2] != "" {
			p.Level = int(m[2][0] - '0')
		}
		e.Partials = append(e.Partials, p)
	}
	return nil
}

func (e *estqf) specialisations(lines []line) {
	for _, l := range lines {
		for _, name := range strings.FieldsFunc(unmarked(l.text), func(r rune) bool { return r == ',' || r == ';' }) {
			if name = strings.Trim(name, " ."); name != "" && !noValue(name) {
				e.Specialisations = append(e.Specialisations, name)
			}
		}
	}
}

func unmarked(text string) string {
	if m := numberMark.FindStringSubmatch(text); m != nil {
		return m[2]
	}
	return unbulleted(text)
}

func noValue(text string) bool {
	text = strings.Trim(strings.ToLower(text), ".-–— ")
	return text == "" || text == "none" || text == "no" || text == "not defined"
}

// settleAward makes the rule of the award from the groups and B.1, and holds
// each to the other: a competence that B.1 names and the document does not
// hold means that something is missing.
func (e *estqf) settleAward() error {
	for _, g := range e.Groups {
		var codes []string
		for _, k := range g.Competences {
			codes = append(codes, k.Code)
		}
		if said := e.rules.declared[g.Kind]; len(said) > 0 && !isSpecialised(g) && !slices.Equal(said, codes) {
			return e.rules.heading.invalid("B.1 names the %s competences %s, but the document has %s; is it cut off?", g.Kind, span(said), span(codes))
		}
		if err := e.ask(g); err != nil {
			return err
		}
	}
	for _, kind := range GroupKinds() {
		said := e.rules.declared[kind]
		if len(said) > 0 && !slices.ContainsFunc(e.Groups, func(g Group) bool { return g.Kind == kind }) {
			return e.rules.heading.invalid("B.1 names the %s competences %s, but the document has none; is it cut off?", kind, span(said))
		}
	}
	return nil
}

func (e *estqf) ask(g Group) error {
	switch {
	case g.Kind == Mandatory:
		e.Award.Required = append(e.Award.Required, g.Key)
	case g.Kind == Recurring:
		e.Award.Recurring = append(e.Award.Recurring, g.Key)
	case isSpecialised(g):
		e.Award.Elective = append(e.Award.Elective, Elective{Group: g.Key, AtLeast: len(g.Competences), Specialisation: g.Title})
	case e.rules.elective > 0:
		e.Award.Elective = append(e.Award.Elective, Elective{Group: g.Key, AtLeast: e.rules.elective})
	case !e.rules.free:
		return e.rules.heading.invalid("B.1 does not say how many of the elective competences are asked, as in \"at least two of the elective competences\"")
	}
	return nil
}

func span(codes []string) string {
	if len(codes) == 1 {
		return codes[0]
	}
	return codes[0] + " to " + codes[len(codes)-1]
}
