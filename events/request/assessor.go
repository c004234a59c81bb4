package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// TaskPage asks for tasks: those one holds, and the open ones one may claim.
type TaskPage struct {
	Limit int `json:"limit,omitempty" jsonschema:"at most this many of each, 100 at the most"`
}

// Tasks are the assessor's own and the ones that can be claimed, earliest due first.
type Tasks struct {
	Held []Task `json:"held"`
	Open []Task `json:"open"`
}

// Task is one round to judge. It does not name the candidate.
type Task struct {
	Task       assessment.TaskID `json:"task"`
	Standard   string            `json:"standard" jsonschema:"key"`
	Competence string            `json:"competence"`
	Title      string            `json:"title"`
	Number     int               `json:"number" jsonschema:"of the round, from 1"`
	DueAt      time.Time         `json:"due_at"`
	LeaseUntil *time.Time        `json:"lease_until,omitempty"`
}

// ClaimTask takes one task, or the next one.
type ClaimTask struct {
	Acting
	Task assessment.TaskID `json:"task,omitempty" jsonschema:"empty for the earliest due"`
}

// ClaimedTask is what an assessor has to judge.
type ClaimedTask struct {
	Task        assessment.TaskID       `json:"task"`
	Application application.ID          `json:"application"`
	Competence  string                  `json:"competence"`
	Asked       []catalogue.IndicatorID `json:"asked" jsonschema:"must be judged for the round to close"`
	Offered     []catalogue.IndicatorID `json:"offered,omitempty" jsonschema:"recurring ones that may be judged in this context"`
	Fence       int                     `json:"fence"`
	LeaseUntil  time.Time               `json:"lease_until"`
	DueAt       time.Time               `json:"due_at"`
}

// ReleaseTask gives a task back.
type ReleaseTask struct {
	Acting
	Task assessment.TaskID `json:"task"`
}

// TaskEvidencePage asks for the evidence of a task, in the order it came.
type TaskEvidencePage struct {
	Task  assessment.TaskID `json:"task"`
	After int               `json:"after,omitempty"`
}

// TaskEvidence is the evidence that was frozen for a task's round.
type TaskEvidence struct {
	Task       assessment.TaskID `json:"task"`
	Competence string            `json:"competence"`
	Indicators []CaseIndicator   `json:"indicators"`
	Items      []EvidenceItem    `json:"items"`
	Next       int               `json:"next,omitempty" jsonschema:"ask again with after set to this for more"`
}

// GiveVerdicts judges indicators of a claimed task. When everything asked has its
// verdict, the round closes.
type GiveVerdicts struct {
	Acting
	Task     assessment.TaskID `json:"task"`
	Fence    int               `json:"fence,omitempty" jsonschema:"from the claim; 0 not to check it"`
	Verdicts []Verdict         `json:"verdicts"`
}

// Verdict is what the assessor found for one indicator.
type Verdict struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Outcome   assessment.Outcome    `json:"outcome" jsonschema:"shown or not_yet_shown"`
	Reason    string                `json:"reason,omitempty" jsonschema:"required when not yet shown"`
}
