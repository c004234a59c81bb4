// Package catalogue holds standards: what a person in an occupation can do, and
// the signs it is judged by.
//
// A standard is read strictly, once, into an immutable record with a digest.
// A new version is a new record, never an edit. Nothing here knows of a
// database, a network or a clock.
package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
)

// Scheme is the kind of document that a standard came as.
type Scheme string

// Schemes returns every scheme with an importer.
func Schemes() []Scheme { return []Scheme{EstQF, ESCO, Minnesota, KingCounty, Salem} }

// The schemes with an importer.
const (
	EstQF      Scheme = "estqf"                   // occupational qualification standard as the Estonian register prints it
	ESCO       Scheme = "esco"                    // ESCO occupation page
	Minnesota  Scheme = "minnesota-dual-training" // Minnesota dual-training competency model
	KingCounty Scheme = "king-county-class"       // King County classification specification
	Salem      Scheme = "salem-class"             // City of Salem class specification
)

// Standard is one version of one standard, as it was read and repaired.
// It is never changed after it was read; its digest names it.
type Standard struct {
	Key             string           `yaml:"key" json:"key"`         // short name, the same for all versions: it-manager-7
	Version         string           `yaml:"version" json:"version"` // what tells this version from the others of the same key
	Scheme          Scheme           `yaml:"scheme" json:"scheme"`
	Title           string           `yaml:"title" json:"title"`
	Aliases         []string         `yaml:"aliases,omitempty" json:"aliases,omitempty"`         // other titles in the source
	Designation     string           `yaml:"designation,omitempty" json:"designation,omitempty"` // as the register writes it: 08-10052023-1.1/7k; never rebuilt
	ValidFrom       string           `yaml:"valid_from,omitempty" json:"valid_from,omitempty"`   // date, 2006-01-02
	ValidTo         string           `yaml:"valid_to,omitempty" json:"valid_to,omitempty"`       // date, 2006-01-02; the last day
	Field           string           `yaml:"field,omitempty" json:"field,omitempty"`             // field of occupational activity
	Council         string           `yaml:"council,omitempty" json:"council,omitempty"`
	DecisionNo      string           `yaml:"decision_no,omitempty" json:"decision_no,omitempty"`
	DecisionDate    string           `yaml:"decision_date,omitempty" json:"decision_date,omitempty"` // date, 2006-01-02
	Source          Source           `yaml:"source" json:"source"`
	Level           *Level           `yaml:"level,omitempty" json:"level,omitempty"`
	EQFReference    string           `yaml:"eqf_reference" json:"eqf_reference"`                 // as read, also when the source leaves it empty
	EQFDerived      int              `yaml:"eqf_derived,omitempty" json:"eqf_derived,omitempty"` // follows from the EstQF level (KutS Annex 1: identical descriptors); 0 when nothing says it
	Classifications []Classification `yaml:"classifications,omitempty" json:"classifications,omitempty"`
	Narrative       []Section        `yaml:"narrative,omitempty" json:"narrative,omitempty"`
	Prerequisites   []Prerequisite   `yaml:"prerequisites,omitempty" json:"prerequisites,omitempty"`
	Award           AwardRule        `yaml:"award" json:"award"`
	Partials        []Partial        `yaml:"partials,omitempty" json:"partials,omitempty"`
	Specialisations []string         `yaml:"specialisations,omitempty" json:"specialisations,omitempty"`
	Groups          []Group          `yaml:"groups" json:"groups"`
	Notes           []string         `yaml:"notes,omitempty" json:"notes,omitempty"` // choices of the importer, and oddities for the standard's owner
}

// Source is the document that a standard was read from.
type Source struct {
	File   string       `yaml:"file" json:"file"` // base name, no folder
	SHA256 canon.Digest `yaml:"sha256" json:"sha256"`
}

// Level is a place in a framework of levels, or in a series of classes.
type Level struct {
	Framework      string `yaml:"framework" json:"framework"` // EstQF, ISCO skill level, class series
	Value          int    `yaml:"value" json:"value"`
	SeriesPosition int    `yaml:"series_position,omitempty" json:"series_position,omitempty"`
	SeriesSize     int    `yaml:"series_size,omitempty" json:"series_size,omitempty"`
}

// Classification is a code in another system: ISCO, ISCED-F, NACE, e-CF, a class number.
type Classification struct {
	System string `yaml:"system" json:"system"`
	Code   string `yaml:"code" json:"code"`
	Label  string `yaml:"label,omitempty" json:"label,omitempty"`
}

// Section is text of the source that is kept for people and judged by nobody.
type Section struct {
	Heading string   `yaml:"heading" json:"heading"`
	Text    string   `yaml:"text" json:"text"`                   // repaired
	Raw     string   `yaml:"raw,omitempty" json:"raw,omitempty"` // as read, where it differs from Text
	Repairs []string `yaml:"repairs,omitempty" json:"repairs,omitempty"`
}

// Prerequisite is what the source asks of a person beforehand. The next issue
// gives these an expression; here they are kept as read.
type Prerequisite struct {
	Text     string `yaml:"text" json:"text"`
	Advisory bool   `yaml:"advisory" json:"advisory"` // shown, never blocking
}

// AwardRule says which groups a full award asks for. A group named nowhere is
// recorded only, and a competence without an assessable statement is asked of
// nobody.
type AwardRule struct {
	Required  []string   `yaml:"required" json:"required"`                       // keys of groups of which every assessable competence must be met
	Elective  []Elective `yaml:"elective,omitempty" json:"elective,omitempty"`   // n of a group
	Recurring []string   `yaml:"recurring,omitempty" json:"recurring,omitempty"` // keys of groups judged during the assessment of the others; all must be met
}

// Elective asks for a number of competences of a group: of everyone, or of
// those who chose a specialisation.
type Elective struct {
	Group          string `yaml:"group" json:"group"`
	AtLeast        int    `yaml:"at_least" json:"at_least"`
	Specialisation string `yaml:"specialisation,omitempty" json:"specialisation,omitempty"` // whose competences these are; empty asks everyone
}

// Partial is a partial qualification that the standard defines.
type Partial struct {
	Name        string   `yaml:"name" json:"name"`
	Level       int      `yaml:"level,omitempty" json:"level,omitempty"`
	Competences []string `yaml:"competences" json:"competences"` // codes
}

// GroupKind is the part that a group of competences plays in the standard.
type GroupKind string

// The kinds of groups (domain.md 3.2 and 7.2).
const (
	Mandatory     GroupKind = "mandatory"
	ElectiveGroup GroupKind = "elective"
	Recurring     GroupKind = "recurring" // no slot of its own: judged during the assessment of other competences
	Essential     GroupKind = "essential"
	Optional      GroupKind = "optional"
	Duty          GroupKind = "duty"
	KSA           GroupKind = "ksa" // knowledge, skill, ability
)

// GroupKinds returns every kind of group.
func GroupKinds() []GroupKind {
	return []GroupKind{Mandatory, ElectiveGroup, Recurring, Essential, Optional, Duty, KSA}
}

// Group is a part of a standard: its mandatory competences, its essential skills.
type Group struct {
	Key          string       `yaml:"key" json:"key"`
	Title        string       `yaml:"title" json:"title"` // as the source prints it
	Kind         GroupKind    `yaml:"kind" json:"kind"`
	DeliveryMode string       `yaml:"delivery_mode,omitempty" json:"delivery_mode,omitempty"`
	Note         string       `yaml:"note,omitempty" json:"note,omitempty"`
	Competences  []Competence `yaml:"competences" json:"competences"`
}

// Competence is what a person in the occupation can do.
type Competence struct {
	Code             string      `yaml:"code" json:"code"` // B.2.3; made by the importer where the source has none
	Title            string      `yaml:"title" json:"title"`
	Level            int         `yaml:"level,omitempty" json:"level,omitempty"`
	Refs             []string    `yaml:"refs,omitempty" json:"refs,omitempty"` // e-CF codes and the like
	AssessmentMethod string      `yaml:"assessment_method,omitempty" json:"assessment_method,omitempty"`
	Statements       []Statement `yaml:"statements" json:"statements"`
}

// StatementKind is what a statement is in its source.
type StatementKind string

// The kinds of statements (domain.md 7.2).
const (
	IndicatorStatement StatementKind = "indicator"
	Knowledge          StatementKind = "knowledge"
	Skill              StatementKind = "skill"
	Ability            StatementKind = "ability"
	DutyStatement      StatementKind = "duty"
	Definition         StatementKind = "competence" // one description that is the whole competence
)

// StatementKinds returns every kind of statement.
func StatementKinds() []StatementKind {
	return []StatementKind{IndicatorStatement, Knowledge, Skill, Ability, DutyStatement, Definition}
}

// Statement is one performance indicator, or what stands for one in the scheme.
// Its identity is (standard version, competence code, ordinal), never its text:
// texts repeat.
type Statement struct {
	Ordinal    int           `yaml:"ordinal" json:"ordinal"`             // from 1, within the competence
	Text       string        `yaml:"text" json:"text"`                   // repaired
	Raw        string        `yaml:"raw,omitempty" json:"raw,omitempty"` // as read, where it differs from Text
	Kind       StatementKind `yaml:"kind" json:"kind"`
	Depth      string        `yaml:"depth,omitempty" json:"depth,omitempty"` // basic, general, extensive
	Assessable bool          `yaml:"assessable" json:"assessable"`
	SameTextAs []IndicatorID `yaml:"same_text_as,omitempty" json:"same_text_as,omitempty"`
	Repairs    []string      `yaml:"repairs,omitempty" json:"repairs,omitempty"`
}

// IndicatorID names a statement within a standard version: B.2.3/1.
type IndicatorID struct {
	Competence string
	Ordinal    int
}

// String writes the identity as B.2.3/1.
func (id IndicatorID) String() string { return id.Competence + "/" + strconv.Itoa(id.Ordinal) }

// MarshalText implements encoding.TextMarshaler.
func (id IndicatorID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *IndicatorID) UnmarshalText(text []byte) error {
	parsed, err := ParseIndicatorID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

var indicatorID = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9.-]{0,31})/([1-9][0-9]{0,3})$`)

// ParseIndicatorID reads B.2.3/1.
func ParseIndicatorID(s string) (IndicatorID, error) {
	m := indicatorID.FindStringSubmatch(s)
	if m == nil {
		return IndicatorID{}, fmt.Errorf("%.60q is not an indicator; write competence and number, as in B.2.3/1", s)
	}
	n, err := strconv.Atoi(m[2])
	return IndicatorID{Competence: m[1], Ordinal: n}, err
}

// Digest names this version of the standard: SHA-256 over its canonical form.
func (s *Standard) Digest() (canon.Digest, error) { return canon.DigestOf(s) }

// Name is what the standard is called in a list: its designation where the
// register gave one, else its title.
func (s *Standard) Name() string {
	if s.Designation != "" {
		return s.Designation
	}
	return s.Title
}

// InForce says whether the standard is valid on a day, written 2006-01-02. Where
// the source prints no limit, there is none (domain.md 2, row 0).
func (s *Standard) InForce(day string) bool {
	return (s.ValidFrom == "" || day >= s.ValidFrom) && (s.ValidTo == "" || day <= s.ValidTo)
}

// Competences returns every competence in the order of the source.
func (s *Standard) Competences() []Competence {
	var all []Competence
	for _, g := range s.Groups {
		all = append(all, g.Competences...)
	}
	return all
}

// Competence finds a competence by code, with the group it stands in.
func (s *Standard) Competence(code string) (Competence, Group, bool) {
	for _, g := range s.Groups {
		for _, c := range g.Competences {
			if c.Code == code {
				return c, g, true
			}
		}
	}
	return Competence{}, Group{}, false
}

// Statement finds a statement by its identity.
func (s *Standard) Statement(id IndicatorID) (Statement, bool) {
	c, _, ok := s.Competence(id.Competence)
	if !ok || id.Ordinal < 1 || id.Ordinal > len(c.Statements) {
		return Statement{}, false
	}
	return c.Statements[id.Ordinal-1], true
}

// Assessable returns the identities of the statements of c that can be judged.
func (c Competence) Assessable() []IndicatorID {
	var ids []IndicatorID
	for _, st := range c.Statements {
		if st.Assessable {
			ids = append(ids, IndicatorID{Competence: c.Code, Ordinal: st.Ordinal})
		}
	}
	return ids
}

// Recurring returns the codes of the competences that have no slot of their own.
func (s *Standard) Recurring() []string {
	var codes []string
	for _, g := range s.Groups {
		if g.Kind == Recurring {
			for _, c := range g.Competences {
				codes = append(codes, c.Code)
			}
		}
	}
	return codes
}

// Counts says how large the standard is.
func (s *Standard) Counts() (competences, statements, assessable int) {
	for _, c := range s.Competences() {
		competences++
		statements += len(c.Statements)
		assessable += len(c.Assessable())
	}
	return competences, statements, assessable
}

// key is what names a standard, a procedure or a group in files and subjects.
var key = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// code is what names a competence.
var code = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$`)

func validKey(s string) bool { return key.MatchString(s) && !strings.Contains(s, "--") }

// settle gives every list that is always written a value, so that nil and empty
// have one digest.
func (s *Standard) settle() {
	if s.Award.Required == nil {
		s.Award.Required = []string{}
	}
}

// group finds a group by key.
func (s *Standard) group(key string) (Group, bool) {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Key == key })
	if i < 0 {
		return Group{}, false
	}
	return s.Groups[i], true
}
