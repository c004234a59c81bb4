package events

import (
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
)

// EvidenceSubmitted says that a candidate put evidence forward. It carries
// digests, never content: read that from the record.
type EvidenceSubmitted struct {
	About
	Item       evidence.ItemID         `json:"item"`
	Kind       evidence.Kind           `json:"kind"`
	Digest     canon.Digest            `json:"digest"` // SHA-256(salt ‖ content); the salt is in the receipt
	Indicators []catalogue.IndicatorID `json:"indicators"`
}

// Type implements Event.
func (EvidenceSubmitted) Type() string { return "evidence.submitted.v1" }
