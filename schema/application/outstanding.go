package application

import "time"

// Outstanding is what the record waits for from the workflow of a case. It
// follows from the facts, so a lost workflow can be started again from it.
type Outstanding struct {
	Open    []string  `json:"open,omitempty"` // rounds that no assessor can see yet
	Weigh   bool      `json:"weigh"`          // there are closed rounds that nobody weighed
	State   State     `json:"state"`
	LookAt  time.Time `json:"look_at"` // when something is due next; zero for never
	Propose bool      `json:"propose"` // nothing is with an assessor, so a proposal may be owed
}
