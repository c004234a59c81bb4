package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// OpenApplication applies for the standard's current version.
type OpenApplication struct {
	Acting
	Standard  string `json:"standard" jsonschema:"key of the standard, as in it-manager-7"`
	Procedure string `json:"procedure,omitempty" jsonschema:"key of the awarding procedure; empty where only one awards the standard"`
}

// WithdrawApplication takes an application back.
type WithdrawApplication struct {
	Acting
	Application application.ID `json:"application"`
}

// SubmitEvidence puts one piece of evidence forward for one or many indicators.
type SubmitEvidence struct {
	Acting
	Application application.ID          `json:"application"`
	Kind        evidence.Kind           `json:"kind" jsonschema:"text, link or file"`
	Text        string                  `json:"text,omitempty"`
	Link        string                  `json:"link,omitempty"`
	File        *canon.Digest           `json:"file,omitempty" jsonschema:"SHA-256 of a file uploaded before"`
	Indicators  []catalogue.IndicatorID `json:"indicators" jsonschema:"as in B.2.3/1"`
}

// HandIn hands competences in: their evidence is frozen and assessment begins.
type HandIn struct {
	Acting
	Application application.ID `json:"application"`
	Competences []string       `json:"competences" jsonschema:"codes, as in B.2.3"`
}

// OfApplication names the application that a reading is about.
type OfApplication struct {
	Application application.ID  `json:"application"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"for what it is read; the council must say, others read for their role"`
}

// Nothing asks for a list without conditions.
type Nothing struct{}

// Applications are a candidate's own, newest first.
type Applications struct {
	Applications []ApplicationLine `json:"applications"`
}

// ApplicationLine is one application in a list.
type ApplicationLine struct {
	Application application.ID    `json:"application"`
	Candidate   person.ID         `json:"candidate"`
	Standard    string            `json:"standard" jsonschema:"key"`
	Title       string            `json:"title"`
	State       application.State `json:"state"`
	OpenedAt    time.Time         `json:"opened_at"`
}

// EvidenceList is evidence with its content.
type EvidenceList struct {
	Items []EvidenceItem `json:"items"`
	Next  int            `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// EvidencePage asks for evidence of an application, in the order it came.
type EvidencePage struct {
	Application application.ID `json:"application"`
	After       int            `json:"after,omitempty"`
}

// EvidenceItem is one piece of evidence.
type EvidenceItem struct {
	Item       evidence.ItemID         `json:"item"`
	Kind       evidence.Kind           `json:"kind"`
	Digest     canon.Digest            `json:"digest" jsonschema:"SHA-256 over the salt and the SHA-256 of the bytes; verdicts name it"`
	Salt       canon.Salt              `json:"salt,omitzero"`
	Size       int64                   `json:"size" jsonschema:"bytes"`
	File       canon.Digest            `json:"file,omitzero" jsonschema:"SHA-256 of a file, to read it by"`
	MediaType  string                  `json:"media_type,omitempty" jsonschema:"of a file, decided from its content"`
	Text       string                  `json:"text,omitempty"`
	Link       string                  `json:"link,omitempty"`
	Indicators []catalogue.IndicatorID `json:"indicators"`
	Position   int                     `json:"position"`
	At         time.Time               `json:"at"`
}
