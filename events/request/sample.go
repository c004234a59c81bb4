package request

import (
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/sample"
)

// CommitSample makes a seed and puts its commitment into the record, before anybody
// says which cases the sample is of.
type CommitSample struct {
	Acting
	Title string `json:"title" jsonschema:"what the sample is for; no name"`
}

// DrawSample discloses the seed and draws from the cases that were opened in the
// period, which begins after the commitment.
type DrawSample struct {
	Acting
	Sample   string    `json:"sample" jsonschema:"id that sample.commit recorded"`
	Standard string    `json:"standard,omitempty" jsonschema:"key; empty for all"`
	From     time.Time `json:"from" jsonschema:"first moment of the period, not before the commitment"`
	To       time.Time `json:"to" jsonschema:"first moment after the period, a minute ago or more"`
	Size     int       `json:"size" jsonschema:"how many cases, at most 1000"`
}

// OfSample names a sample, and the page of its population.
type OfSample struct {
	Sample string `json:"sample"`
	After  string `json:"after,omitempty" jsonschema:"the next of the page before, for more of the population"`
}

// Sample is a random sample of cases, as it was committed and drawn. With the seed
// and the ids of the population anyone draws it again with sha256sum.
type Sample struct {
	Sample     string       `json:"sample"`
	Title      string       `json:"title"`
	By         person.ID    `json:"by"`
	Commitment canon.Digest `json:"commitment" jsonschema:"SHA-256 of the seed"`
	At         time.Time    `json:"at" jsonschema:"when the commitment was recorded"`
	Drawn      *SampleDraw  `json:"drawn,omitempty" jsonschema:"once it is drawn"`
}

// SampleDraw is how a sample was drawn.
type SampleDraw struct {
	Seed             sample.Seed      `json:"seed"`
	At               time.Time        `json:"at"`
	By               person.ID        `json:"by"`
	Standard         string           `json:"standard,omitempty" jsonschema:"key; empty for all"`
	From             time.Time        `json:"from"`
	To               time.Time        `json:"to"`
	Size             int              `json:"size" jsonschema:"how many cases were asked for"`
	Cases            []SampledCase    `json:"cases" jsonschema:"smallest score first"`
	Population       int              `json:"population" jsonschema:"how many cases there were to draw from"`
	PopulationDigest canon.Digest     `json:"population_digest" jsonschema:"SHA-256 over all their ids in order, one a line"`
	Members          []application.ID `json:"members" jsonschema:"a page of the population, in order"`
	Next             string           `json:"next,omitempty" jsonschema:"ask again with after set to this for more members"`
}

// SampledCase is one case of a sample.
type SampledCase struct {
	Application application.ID `json:"application"`
	Score       canon.Digest   `json:"score" jsonschema:"SHA-256 of seed and id"`
}
