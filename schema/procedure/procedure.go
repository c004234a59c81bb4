// Package procedure holds awarding procedures (kutse andmise kord): how an
// awarding body runs a standard. Days, rounds and quorums are data here, with
// the source of each; no rule in code holds a number.
//
// A procedure is read strictly, once, into an immutable record with a digest. A
// new version is a new record.
package procedure

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the register's day must not depend on the machine's zone files

	"go.yaml.in/yaml/v3"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
)

// Procedure is one version of an awarding procedure.
type Procedure struct {
	Key          string     `yaml:"key" json:"key"`
	Version      string     `yaml:"version" json:"version"`
	Title        string     `yaml:"title" json:"title"`
	AwardingBody string     `yaml:"awarding_body" json:"awarding_body"` // answers for the certificate (KutS § 21(1))
	Standards    []string   `yaml:"standards" json:"standards"`         // keys of the standards it may award; "*" for all
	LegalBasis   []string   `yaml:"legal_basis" json:"legal_basis"`     // what a decision under this procedure may cite
	Rounds       int        `yaml:"rounds" json:"rounds"`               // how often one competence may be handed in
	Assessment   Assessment `yaml:"assessment" json:"assessment"`
	Recurring    Recurring  `yaml:"recurring" json:"recurring"`
	Decision     Decision   `yaml:"decision" json:"decision"`
	Validity     Validity   `yaml:"validity" json:"validity"`
	Challenge    Challenge  `yaml:"challenge" json:"challenge"`
	TimeZone     string     `yaml:"time_zone" json:"time_zone"` // IANA name; the days of the law are days there
	Sources      []Citation `yaml:"sources" json:"sources"`     // what each setting above follows

	// Retention says how long personal data is kept. Left out of the digest where
	// there is none, so that a procedure from before keeps its own.
	Retention []Retained `yaml:"retention,omitempty" json:"retention,omitempty"`
}

// Assessment says how a handed-in competence is judged.
type Assessment struct {
	Assessors  int `yaml:"assessors" json:"assessors"`     // per round; one in this version of the software
	DueDays    int `yaml:"due_days" json:"due_days"`       // from handing in; after that the workflow reminds
	LeaseHours int `yaml:"lease_hours" json:"lease_hours"` // how long a claimed task stays with its holder
}

// Recurring says when a recurring indicator counts as shown.
type Recurring struct {
	MinContexts    int  `yaml:"min_contexts" json:"min_contexts"`       // in how many other competences it must be seen
	NegativeBlocks bool `yaml:"negative_blocks" json:"negative_blocks"` // whether a not yet shown holds it open until a later verdict shows it
}

// Decision says how the committee decides.
type Decision struct {
	DueDays int `yaml:"due_days" json:"due_days"` // from the proposal; after that the workflow reminds
}

// Validity says how long a register entry is valid.
type Validity struct {
	Years  int    `yaml:"years" json:"years"`
	Starts string `yaml:"starts" json:"starts"` // decision_date
}

// Challenge says how a decision can be challenged (vaie).
type Challenge struct {
	Days int    `yaml:"days" json:"days"` // from learning of the decision
	To   string `yaml:"to" json:"to"`
}

// Citation names what a setting follows.
type Citation struct {
	Setting string `yaml:"setting" json:"setting"`
	Source  string `yaml:"source" json:"source"`
}

// maxSize bounds the YAML of a procedure, in bytes.
const maxSize = 256 << 10

// Read reads one procedure, strictly: an unknown word is an error.
func Read(text []byte) (*Procedure, error) {
	if len(text) > maxSize {
		return nil, fault.Invalid.New("a procedure has up to %d bytes, this has %d", maxSize, len(text))
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var p Procedure
	if err := dec.Decode(&p); err != nil {
		return nil, fault.Invalid.Because(err, "the procedure cannot be read: %v", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fault.Invalid.New("the file holds more than one procedure")
	}
	return &p, p.Check()
}

var key = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)

// Check says what is wrong with p, if anything, as Invalid.
func (p *Procedure) Check() error {
	var wrong []string
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, what)
		}
	}
	need(key.MatchString(p.Key), "key: lower-case letters, digits and -")
	need(p.Version != "", "version: what tells it from the others of the same key")
	need(p.Title != "", "title")
	need(p.AwardingBody != "", "awarding_body")
	need(len(p.Standards) > 0, `standards: keys, or "*"`)
	need(len(p.LegalBasis) > 0, "legal_basis: at least one provision that a decision can cite")
	need(p.Rounds >= 1, "rounds: at least 1")
	need(p.Assessment.Assessors == 1, "assessment.assessors: 1 (two blind assessors are not supported yet)")
	need(p.Assessment.DueDays >= 1, "assessment.due_days: at least 1")
	need(p.Assessment.LeaseHours >= 1, "assessment.lease_hours: at least 1")
	need(p.Recurring.MinContexts >= 1, "recurring.min_contexts: at least 1")
	need(p.Decision.DueDays >= 1, "decision.due_days: at least 1")
	need(p.Validity.Years >= 1, "validity.years: at least 1")
	need(p.Validity.Starts == "decision_date", "validity.starts: decision_date")
	need(p.Challenge.Days >= 1, "challenge.days: at least 1")
	need(p.Challenge.To != "", "challenge.to: to whom")
	_, err := time.LoadLocation(p.TimeZone)
	need(err == nil && p.TimeZone != "" && p.TimeZone != "Local", "time_zone: a name such as Europe/Tallinn")
	p.checkRetention(need)
	if len(wrong) > 0 {
		return fault.Invalid.New("the procedure needs: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// Digest names this version: SHA-256 over its canonical form.
func (p *Procedure) Digest() (canon.Digest, error) { return canon.DigestOf(p) }

// Runs says whether this procedure awards the standard with that key. Where none
// does, nobody has the right to award it, and an application must be refused
// (domain.md 3.1).
func (p *Procedure) Runs(standard string) bool {
	return slices.Contains(p.Standards, "*") || slices.Contains(p.Standards, standard)
}

// DecisionDue is when a decision on a proposal made at t is due.
func (p *Procedure) DecisionDue(t time.Time) time.Time { return t.AddDate(0, 0, p.Decision.DueDays) }

// Lease is how long a claimed task stays with its holder.
func (p *Procedure) Lease() time.Duration { return time.Duration(p.Assessment.LeaseHours) * time.Hour }

// Day is the day that t falls on in the procedure's time zone, written 2006-01-02.
func (p *Procedure) Day(t time.Time) (string, error) {
	zone, err := time.LoadLocation(p.TimeZone)
	return t.In(zone).Format(time.DateOnly), err
}

// Valid gives the first and the last day of an entry decided at t: days in the
// procedure's time zone, written 2006-01-02. Five years from 27.03.2025 end on
// 26.03.2030 (domain.md 2, step 18 and row 0).
func (p *Procedure) Valid(decided time.Time) (from, to string, err error) {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return "", "", err
	}
	first := decided.In(zone)
	last := first.AddDate(p.Validity.Years, 0, -1)
	return first.Format(time.DateOnly), last.Format(time.DateOnly), nil
}

// Lapsed is when an entry ends whose last day is to: the first moment of the day
// after, in the procedure's time zone.
func (p *Procedure) Lapsed(to string) (time.Time, error) {
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.Time{}, err
	}
	last, err := time.ParseInLocation(time.DateOnly, to, zone)
	return last.AddDate(0, 0, 1), err
}

// ChallengeOver is when the time for a challenge of a decision made at t is over.
// It runs from when the person learned of it, which the record does not know: the
// reserve in the terms of retention bears the difference.
func (p *Procedure) ChallengeOver(t time.Time) time.Time { return t.AddDate(0, 0, p.Challenge.Days) }

//go:embed default.yaml
var defaultText []byte

// Default is the procedure that an installation starts with: our own defaults
// with the sources they lean on. It is an example of data, not law.
var Default = sync.OnceValues(func() (*Procedure, error) { return Read(defaultText) })
