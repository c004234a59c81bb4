package catalogue

import (
	"regexp"
	"strings"
)

// The labels of part C, and those that the register puts before part A, by the
// words they begin with. A value stands behind the colon or in the lines below,
// and may be missing: then the next label follows at once.
const (
	labelPartials        = "partial occupational qualification"
	labelSpecialisations = "specialisation"
	labelValidFrom       = "valid from"
	labelValidTo         = "valid to"
	labelValidUntil      = "valid until"
	labelVersion         = "version"
	labelDesignation     = "designation of occupational qualification standard"
	labelField           = "field of occupational activity"
	labelCouncil         = "occupational qualification council"
	labelDecisionNo      = "no. of decision"
	labelDecisionDate    = "date of decision"
	labelLevel           = "estqf level"
	labelEQF             = "reference to european qualifications framework"
	labelISCO            = "international standard classification of occupations"
	labelISCED           = "isced fields of education"
	labelNACE            = "statistical classification of economic activities"
)

// generalLabels are those of part C, where every line that ends in a colon is a
// label.
var generalLabels = []string{
	labelValidFrom, labelValidTo, labelValidUntil, labelVersion, labelDesignation, labelField, labelCouncil,
	labelDecisionNo, labelDecisionDate, labelLevel, labelEQF, labelISCO, labelISCED, labelNACE,
}

// field is a label with its values.
type field struct {
	name   string // one of the labels, or "" for an unknown one
	label  line
	values []line
}

func (f field) value() line {
	if len(f.values) == 0 {
		return line{no: f.label.no}
	}
	return line{f.values[0].no, joined(f.values, " ")}
}

// asLabel reads a line as one of the labels; what stands behind the colon is a
// value.
func asLabel(l line, names []string) (field, bool) {
	head, rest, colon := strings.Cut(l.text, ":")
	low := strings.ToLower(head)
	for _, name := range names {
		if colon && strings.HasPrefix(low, name) && len(head) < 90 {
			f := field{name: name, label: line{l.no, head}}
			if rest = strings.TrimSpace(rest); rest != "" {
				f.values = []line{{l.no, rest}}
			}
			return f, true
		}
	}
	return field{}, false
}

// generalPart is a heading inside part C. Two digits would be a division of
// NACE, "C.10 Manufacture of food products".
var generalPart = regexp.MustCompile(`^C\.[1-9]\s+\p{Lu}`)

// general reads part C. A heading in it ends the value before it; what stands
// below it under no label is kept for people.
func (e *estqf) general(lines []line) error {
	var all []field
	for _, l := range written(lines) {
		f, ok := asLabel(l, generalLabels)
		switch {
		case ok:
			all = append(all, f)
		case generalPart.MatchString(l.text):
			all = append(all, field{label: l})
		case strings.HasSuffix(l.text, ":"):
			all = append(all, field{label: line{l.no, strings.TrimSuffix(l.text, ":")}})
		case len(all) == 0:
			return l.invalid("%.80q stands under no label of part C", l.text)
		default:
			last := &all[len(all)-1]
			last.values = append(last.values, l)
		}
	}
	for _, f := range all {
		if err := e.field(f); err != nil {
			return err
		}
	}
	return nil
}

func (e *estqf) field(f field) error {
	v := f.value()
	if v.blank() {
		return nil
	}
	var err error
	switch f.name {
	case labelValidFrom:
		e.ValidFrom, err = registerDate(v)
	case labelValidTo, labelValidUntil:
		e.ValidTo, err = registerDate(v)
	case labelVersion:
		e.note("The register calls this version %s of the standard.", v.text)
	case labelDesignation:
		e.Designation = v.text
	case labelField:
		e.Field = v.text
	case labelCouncil:
		e.Council = v.text
	case labelDecisionNo:
		e.DecisionNo = v.text
	case labelDecisionDate:
		e.DecisionDate, err = registerDate(v)
	case labelLevel:
		var level int
		level, err = estqfLevel(v)
		e.Level = &Level{Framework: frameworkEstQF, Value: level}
	case labelEQF:
		e.EQFReference = v.text
	case labelISCO:
		err = e.classify("ISCO-08", v)
	case labelISCED:
		err = e.classify("ISCED-F 2013", v)
	case labelNACE:
		err = e.classify("NACE", v)
	default:
		heading := "C " + f.label.text
		if generalPart.MatchString(f.label.text) {
			heading = f.label.text
		}
		e.Narrative = append(e.Narrative, section(heading, f.values))
	}
	return err
}

func estqfLevel(l line) (int, error) {
	if len(l.text) != 1 || l.text < "1" || l.text > "8" {
		return 0, l.invalid("%.40q is not an EstQF level from 1 to 8", l.text)
	}
	return int(l.text[0] - '0'), nil
}

var (
	classBorder = regexp.MustCompile(`(\p{L}|\)|\bn\.e\.c\.\s?)(\d)`)
	classEntry  = regexp.MustCompile(`^([A-Z]\d*|\d[\d.]*)\s+[-–]?\s*(\S.*)$`)
)

// classify reads "1 Managers13 Production...133 ...": the page runs the levels of
// a classification together, and a new one begins where a digit follows a letter, a bracket or "n.e.c.".
func (e *estqf) classify(system string, v line) error {
	for _, entry := range strings.Split(classBorder.ReplaceAllString(v.text, "$1\n$2"), "\n") {
		m := classEntry.FindStringSubmatch(strings.TrimSpace(entry))
		if m == nil {
			return v.invalid("%.80q is not a code and its name of %s", entry, system)
		}
		e.Classifications = append(e.Classifications, Classification{System: system, Code: m[1], Label: m[2]})
	}
	return nil
}

// labels takes the register's own labels out of the lines before part A, or out
// of B.1, and returns the other lines. A value takes one line, a list as many
// as are marked as items or name competences.
func (e *estqf) labels(lines []line) ([]line, error) {
	lines = written(lines)
	var rest []line
	for i := 0; i < len(lines); i++ {
		f, ok := asLabel(lines[i], []string{labelPartials, labelSpecialisations, labelValidFrom, labelValidTo, labelValidUntil, labelVersion})
		if !ok {
			rest = append(rest, lines[i])
			continue
		}
		isList := f.name == labelPartials || f.name == labelSpecialisations
		for i+1 < len(lines) && (isList && isItem(lines[i+1]) || !isList && len(f.values) == 0) {
			i++
			f.values = append(f.values, lines[i])
		}
		var err error
		switch f.name {
		case labelPartials:
			err = e.partials(f.values)
		case labelSpecialisations:
			e.specialisations(f.values)
		default:
			err = e.field(f)
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func isItem(l line) bool {
	return bulletMark.MatchString(l.text) || numberMark.MatchString(l.text) || partialLine.MatchString(l.text)
}
