package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/reading"
)

// BringPrior brings a case file of another installation as prior assessment.
type BringPrior struct {
	Acting
	File canon.Digest `json:"file" jsonschema:"SHA-256 of a file uploaded before"`
}

// PriorsOf asks for the prior assessments of a candidate: who asks as one, their
// own. Everybody else names the application or the task for which they read them.
type PriorsOf struct {
	Application application.ID    `json:"application,omitempty"`
	Task        assessment.TaskID `json:"task,omitempty"`
	Purpose     reading.Purpose   `json:"purpose,omitempty" jsonschema:"the council must say"`
}

// Priors are the prior assessments of a candidate, newest first, up to 200.
type Priors struct {
	Priors []PriorLine `json:"priors"`
}

// PriorLine is one prior assessment in a list.
type PriorLine struct {
	Prior         string            `json:"prior"`
	Candidate     person.ID         `json:"candidate"`
	File          canon.Digest      `json:"file" jsonschema:"SHA-256 of the case file"`
	Origin        string            `json:"origin" jsonschema:"host of the installation that the case file says it is from"`
	Standard      canon.Digest      `json:"standard" jsonschema:"version that it was judged against"`
	StandardKnown bool              `json:"standard_known" jsonschema:"whether that version is in this record"`
	Title         string            `json:"title" jsonschema:"of the standard, as the case file says it"`
	State         application.State `json:"state" jsonschema:"of the case, as the case file says it"`
	At            time.Time         `json:"at" jsonschema:"when it was brought"`
}

// OfPrior names a prior assessment. Who may not see every case names the
// application or the task for which they read it.
type OfPrior struct {
	Prior       string            `json:"prior"`
	Application application.ID    `json:"application,omitempty"`
	Task        assessment.TaskID `json:"task,omitempty"`
	Purpose     reading.Purpose   `json:"purpose,omitempty" jsonschema:"the council must say"`
}

// Prior is what another installation found.
type Prior struct {
	PriorLine
	Competences []PriorCompetence `json:"competences" jsonschema:"with the texts of the case file, also where the standard is not known here"`
	Text        string            `json:"text,omitempty" jsonschema:"the whole standard as the case file has it, where its format is not known here"`
	Decisions   []Decision        `json:"decisions"`
	Entry       *RegisterEntry    `json:"entry,omitempty"`
	Checks      []PriorCheck      `json:"checks" jsonschema:"what was checked when it was brought"`
}

// PriorCompetence is what a case file says of one competence.
type PriorCompetence struct {
	Code       string           `json:"code"`
	Title      string           `json:"title"`
	Met        bool             `json:"met" jsonschema:"as last weighed there"`
	Indicators []PriorIndicator `json:"indicators"`
}

// PriorIndicator is what a case file says of one indicator.
type PriorIndicator struct {
	Indicator string `json:"indicator" jsonschema:"as the case file writes it"`
	Context   string `json:"context,omitempty" jsonschema:"competence during whose assessment a recurring indicator was judged"`
	Text      string `json:"text"`
	Shown     bool   `json:"shown"`
	Evidence  int    `json:"evidence" jsonschema:"pieces of evidence for it in the case file"`
	Reason    string `json:"reason,omitempty" jsonschema:"why not yet, in the assessor's words"`
}

// PriorCheck is one thing that was checked of a case file.
type PriorCheck struct {
	What string `json:"what" jsonschema:"in words"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty" jsonschema:"where it is not ok"`
}
