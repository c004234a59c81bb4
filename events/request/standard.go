package request

import "github.com/kutse-dev/kutse/schema/canon"

// Standards are the standard versions in the record.
type Standards struct {
	Standards []StandardLine `json:"standards"`
}

// StandardLine is one standard version in a list.
type StandardLine struct {
	Key         string       `json:"key"`
	Version     string       `json:"version"`
	Name        string       `json:"name" jsonschema:"designation, or title"`
	Title       string       `json:"title"`
	Digest      canon.Digest `json:"digest"`
	Competences int          `json:"competences"`
	Statements  int          `json:"statements"`
}

// OfStandard names a standard's current version.
type OfStandard struct {
	Standard string `json:"standard" jsonschema:"key"`
}
