package events

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

// Round names a round and the competence it is about.
type Round struct {
	Round      assessment.RoundID `json:"round"`
	Competence string             `json:"competence"`
	Number     int                `json:"number"` // from 1, within the competence
}

// CompetencesHandedIn says that a candidate handed in one or several competences:
// their evidence is frozen and a round is open for each. It tells the workflow to
// open the assessment ([workflows.Certification]).
type CompetencesHandedIn struct {
	About
	Rounds []Round `json:"rounds"`
}

// Type implements Event.
func (CompetencesHandedIn) Type() string { return "competence.handed_in.v1" }

// TasksOpened says that rounds are in the queue of the assessors who may judge them.
type TasksOpened struct {
	About
	Tasks []Task `json:"tasks"`
}

// Task is one piece of work in the queue.
type Task struct {
	Task       assessment.TaskID  `json:"task"`
	Round      assessment.RoundID `json:"round"`
	Competence string             `json:"competence"`
	DueAt      time.Time          `json:"due_at"` // UTC
}

// Type implements Event.
func (TasksOpened) Type() string { return "task.opened.v1" }

// ByAssessor marks an assessor's own fact: it stands in no application's
// sequence, and the candidate does not learn from it who judges.
type ByAssessor struct {
	Assessor person.AssessorID `json:"assessor"`
}

// Key implements Event.
func (b ByAssessor) Key() Key { return Key{Assessor: b.Assessor} }

func (ByAssessor) ofAssessor() {}

// TaskClaimed says that an assessor took a task.
type TaskClaimed struct {
	ByAssessor
	Application application.ID    `json:"application"`
	Task        assessment.TaskID `json:"task"`
	Fence       int               `json:"fence"`       // goes up with every claim of the task
	LeaseUntil  time.Time         `json:"lease_until"` // UTC
}

// Type implements Event.
func (TaskClaimed) Type() string { return "task.claimed.v1" }

// TaskReleased says that an assessor gave a task back to the queue.
type TaskReleased struct {
	ByAssessor
	Application application.ID    `json:"application"`
	Task        assessment.TaskID `json:"task"`
}

// Type implements Event.
func (TaskReleased) Type() string { return "task.released.v1" }

// VerdictsRecorded says that an assessor judged indicators of a round. What was
// found is read from the record by those who may.
type VerdictsRecorded struct {
	About
	Round      assessment.RoundID      `json:"round"`
	Competence string                  `json:"competence"`
	Indicators []catalogue.IndicatorID `json:"indicators"`
}

// Type implements Event.
func (VerdictsRecorded) Type() string { return "verdict.recorded.v1" }

// RoundClosed says that everything a round asked has its verdict. It tells the
// workflow to weigh.
type RoundClosed struct {
	About
	Round Round `json:"round"`
}

// Type implements Event.
func (RoundClosed) Type() string { return "round.closed.v1" }

// Finding is what the verdicts on one competence amount to, on the wire.
type Finding struct {
	Competence string                  `json:"competence"`
	Met        bool                    `json:"met"`
	Open       []catalogue.IndicatorID `json:"open,omitempty"`
}

// CompetencesWeighed says what was found when rounds closed. What is open went
// back to the candidate, with the assessors' reasons in the record.
type CompetencesWeighed struct {
	About
	Findings []Finding `json:"findings"`
}

// Type implements Event.
func (CompetencesWeighed) Type() string { return "competence.weighed.v1" }

// AssessmentOverdue says that tasks are past their due time.
type AssessmentOverdue struct {
	About
	Tasks []assessment.TaskID `json:"tasks"`
}

// Type implements Event.
func (AssessmentOverdue) Type() string { return "assessment.overdue.v1" }
