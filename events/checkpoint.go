package events

import "github.com/kutse-dev/kutse/schema/canon"

// CheckpointSigned says how large the log of a year is and what its root is, signed
// by the log's key. Whoever keeps it can prove later that nothing before it was
// changed or cut off.
type CheckpointSigned struct {
	Origin string       `json:"origin"` // of the log: <host>/audit/<year>
	Year   int          `json:"year"`
	Size   int64        `json:"size"`   // entries
	Root   canon.Digest `json:"root"`   // of the tree (RFC 6962)
	Signed string       `json:"signed"` // the checkpoint itself: a signed note (C2SP tlog-checkpoint)
}

// Type implements Event.
func (CheckpointSigned) Type() string { return "checkpoint.signed.v1" }

// Key implements Event.
func (c CheckpointSigned) Key() Key { return Key{Log: c.Year} }

func (CheckpointSigned) ofLog() {}
