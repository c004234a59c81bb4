package casefile

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Format is the version of case.json that this package writes and reads.
const Format = 1

// Case is case.json: what is recorded about one application at the time of export.
// Empty lists and texts are left out. Times are UTC; days are days in the
// procedure's time zone, written 2006-01-02.
type Case struct {
	Format      int               `json:"format"`
	Origin      string            `json:"origin"` // host of the installation that exported it
	ExportedAt  time.Time         `json:"exported_at"`
	Application application.ID    `json:"application"`
	Candidate   Candidate         `json:"candidate"`
	Standard    Version           `json:"standard"`
	Procedure   Version           `json:"procedure"`
	State       application.State `json:"state"`
	OpenedAt    time.Time         `json:"opened_at"`
	Evidence    []EvidenceItem    `json:"evidence,omitempty"` // in the order it came
	Rounds      []Round           `json:"rounds,omitempty"`
	Verdicts    []Verdict         `json:"verdicts,omitempty"` // in the order they were given: later stands over earlier
	Findings    []Finding         `json:"findings,omitempty"`
	Proposals   []Proposal        `json:"proposals,omitempty"`
	Decisions   []Decision        `json:"decisions,omitempty"`
	Entry       *Entry            `json:"entry,omitempty"`
	Prior       []Prior           `json:"prior,omitempty"`    // what was brought from elsewhere and may be referred to
	Timeline    []Row             `json:"timeline,omitempty"` // every audit row of the case, oldest first
}

// Candidate is the person the case is about, as named at the time of export.
type Candidate struct {
	ID      person.ID `json:"id"`
	Name    string    `json:"name,omitempty"`
	Contact string    `json:"contact,omitempty"`
	Erased  bool      `json:"erased,omitempty"` // the person's key was destroyed, and every text and file with it
}

// Version names one version of a standard or a procedure.
type Version struct {
	Key     string       `json:"key"`
	Version string       `json:"version"`
	Digest  canon.Digest `json:"digest"` // SHA-256 of standard.json or procedure.json
	Name    string       `json:"name"`
}

// EvidenceItem is one piece of evidence. A text or a link stands here and in its
// file. Of an erased one the digest remains, and nothing that it could be guessed by.
type EvidenceItem struct {
	ID         evidence.ItemID         `json:"id"`
	Kind       evidence.Kind           `json:"kind"`
	Indicators []catalogue.IndicatorID `json:"indicators,omitempty"`
	Digest     canon.Digest            `json:"digest"` // SHA-256 of the salt and the SHA-256 of the bytes
	Salt       *canon.Salt             `json:"salt,omitempty"`
	Size       int64                   `json:"size"` // bytes
	MediaType  string                  `json:"media_type,omitempty"`
	File       string                  `json:"file,omitempty"` // path in the archive
	Text       string                  `json:"text,omitempty"`
	Link       string                  `json:"link,omitempty"`
	Erased     bool                    `json:"erased,omitempty"`
	At         time.Time               `json:"at"`
}

// Round is one handing-in of one competence, with the evidence frozen then.
type Round struct {
	ID         assessment.RoundID      `json:"id"`
	Competence string                  `json:"competence"`
	Number     int                     `json:"number"` // from 1, within the competence
	Asked      []catalogue.IndicatorID `json:"asked,omitempty"`
	Offered    []catalogue.IndicatorID `json:"offered,omitempty"` // recurring ones that could be judged as well
	Evidence   []Frozen                `json:"evidence,omitempty"`
	At         time.Time               `json:"at"`
	ClosedAt   *time.Time              `json:"closed_at,omitempty"`
}

// Frozen is a piece of evidence as it was handed in for one indicator.
type Frozen struct {
	Item      evidence.ItemID       `json:"item"`
	Indicator catalogue.IndicatorID `json:"indicator"`
}

// Verdict is what one assessor found for one indicator.
type Verdict struct {
	ID        string                `json:"id"`
	Round     assessment.RoundID    `json:"round"`
	Indicator catalogue.IndicatorID `json:"indicator"`
	Context   string                `json:"context,omitempty"` // competence during whose assessment a recurring indicator was judged
	Outcome   assessment.Outcome    `json:"outcome"`
	Reason    string                `json:"reason,omitempty"`
	Erased    bool                  `json:"erased,omitempty"` // there was a reason, and it was erased
	Assessor  person.AssessorID     `json:"assessor"`
	Saw       []canon.Digest        `json:"saw,omitempty"` // salted digests of the evidence that was before the assessor
	At        time.Time             `json:"at"`
}

// Finding is what the verdicts of a closed round amounted to.
type Finding struct {
	Round      assessment.RoundID      `json:"round"`
	Competence string                  `json:"competence"`
	Met        bool                    `json:"met"`
	Open       []catalogue.IndicatorID `json:"open,omitempty"`
	At         time.Time               `json:"at"`
}

// Proposal is what was put before the committee.
type Proposal struct {
	ID      award.ProposalID `json:"id"`
	Number  int              `json:"number"`
	Outcome award.Outcome    `json:"outcome"`
	Basis   canon.Digest     `json:"basis"` // of the verdicts it rests on
	DueAt   time.Time        `json:"due_at"`
	At      time.Time        `json:"at"`
}

// Decision is what the committee decided.
type Decision struct {
	ID         award.DecisionID `json:"id"`
	Proposal   award.ProposalID `json:"proposal"`
	Outcome    award.Outcome    `json:"outcome"`
	Member     person.ID        `json:"member"`
	Grounds    string           `json:"grounds,omitempty"`
	LegalBasis string           `json:"legal_basis"`
	Reasons    []Reason         `json:"reasons,omitempty"` // one for each unmet indicator of a refusal
	Erased     bool             `json:"erased,omitempty"`  // grounds and reasons were erased
	Returned   []string         `json:"returned,omitempty"`
	Challenge  string           `json:"challenge,omitempty"` // to whom and until when it could be challenged
	At         time.Time        `json:"at"`
}

// Reason is why one indicator counts as not met; the text is empty when erased.
type Reason struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Reason    string                `json:"reason,omitempty"`
}

// Entry is the register entry: the qualification itself.
type Entry struct {
	Number    string           `json:"number"`
	Type      int              `json:"type"` // 1 full, 2 partial, 3 initial
	Decision  award.DecisionID `json:"decision"`
	ValidFrom string           `json:"valid_from"` // first day
	ValidTo   string           `json:"valid_to"`   // last day
	At        time.Time        `json:"at"`
}

// Prior is a case file that was brought from another installation.
type Prior struct {
	ID          string         `json:"id"`
	Origin      string         `json:"origin,omitempty"`
	Application application.ID `json:"application,omitempty"`
	Standard    Version        `json:"standard"`
	At          time.Time      `json:"at"` // of the import
}

// Row is one audit row: who did what, when.
type Row struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Act     string    `json:"act"`
	Actor   string    `json:"actor"`
	Role    string    `json:"role,omitempty"`
	Object  string    `json:"object,omitempty"`
	Records []string  `json:"records,omitempty"` // kind, id and SHA-256 of each row that the act recorded
}

// JSON is the canonical form of the case. Times must be UTC.
func (c Case) JSON() ([]byte, error) { return canon.JSON(c) }

// ParseCase reads case.json, strictly: what this version does not know, or would
// write otherwise, is Invalid. A later format is Invalid with words that say which
// version of the format it is.
func ParseCase(text []byte) (Case, error) {
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return Case{}, fault.Invalid.Because(err, "case.json cannot be read: %v", err)
	}
	if format.Format != Format {
		return Case{}, laterFormat(format.Format)
	}
	var c Case
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return Case{}, fault.Invalid.Because(err, "case.json cannot be read: %v", err)
	}
	again, err := c.JSON()
	if err != nil || !bytes.Equal(again, text) {
		return Case{}, fault.Invalid.New("case.json is not in its canonical form (RFC 8785, empty ones left out, times in UTC)")
	}
	return c, c.Check()
}

func laterFormat(format int) error {
	return fault.Invalid.New("case.json is of format %d, and this software reads format %d: use a version that reads format %d; until then case.html in the archive can be read",
		format, Format, format)
}
