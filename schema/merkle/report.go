package merkle

import (
	"cmp"
	"slices"
	"time"
)

// Report is what a verification found.
type Report struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   Hash   `json:"root"`
	// Keys signed the checkpoint, of those that are trusted.
	Keys []string `json:"keys"`
	// Pinned says that trust began with keys that the caller had, or that signed what
	// he kept. Without them it begins with the first key published beside the log: then a log without faults
	// is whole, but may be somebody else's, or one made anew.
	Pinned bool `json:"pinned"`
	// Learned keys are trusted because a trusted key handed over to them.
	Learned []string `json:"learned,omitempty"`
	// Last is the time of the last entry.
	Last time.Time `json:"last"`
	// Compared is how many older checkpoints, of publications or single, were held
	// against the log; those of other logs do not count.
	Compared int `json:"compared"`
	// Beyond is how many tiles are published past the checkpoint, where that can be
	// told: a publication is under way, or a checkpoint was taken back.
	Beyond int `json:"beyond,omitempty"`
	// Stopped says that so many records were wrong that the rest was not read.
	Stopped bool `json:"stopped,omitempty"`
	// Faults come in the order of the records they are about; those about none last.
	Faults []Fault `json:"faults"`
}

// Fault is something that is not as it must be.
type Fault struct {
	Position int64  `json:"position"` // of the first record that it is about; -1 for none
	What     string `json:"what"`
	// to is the last record that it may be about, where that is not just the first.
	to int64
}

// OK says that nothing is wrong.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// First is the fault with the first wrong record, or one about no record if there is
// no other.
func (r Report) First() (Fault, bool) {
	if r.OK() {
		return Fault{}, false
	}
	return r.Faults[0], true
}

// sort puts faults in order, and drops those said twice.
func (r *Report) sort() {
	slices.SortStableFunc(r.Faults, func(a, b Fault) int {
		return cmp.Compare(uint64(a.Position), uint64(b.Position)) // -1 is the largest
	})
	r.Faults = slices.Compact(r.Faults)
}
