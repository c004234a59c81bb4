package casefile

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/evidence"
)

// fact is what is read of an event to hold the case to it. It is read by its words
// on the wire and not with package events: an event of a later version must not
// make a case file unreadable.
type fact struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		Application string           `json:"application"`
		Item        evidence.ItemID  `json:"item"`
		Digest      string           `json:"digest"`
		Decision    award.DecisionID `json:"decision"`
		Outcome     award.Outcome    `json:"outcome"`
		Proposal    award.ProposalID `json:"proposal"`
		Basis       string           `json:"basis"`
		Number      string           `json:"number"`
		ValidFrom   string           `json:"valid_from"`
		ValidTo     string           `json:"valid_to"`
	} `json:"data"`
}

// facts holds the events to the log, by their SHA-256, and the case to the events.
// Where there are no events, that cannot be done, and nothing is said.
func (c *contents) facts(records map[string]string) {
	if len(c.events) == 0 {
		return
	}
	seen := map[string]bool{}
	for i, body := range c.events {
		var f fact
		if err := json.Unmarshal(body, &f); err != nil {
			c.wrong(eventsFile, "line %d is not an event: %v", i+1, err)
			continue
		}
		what := "event " + f.ID
		if got := canon.Sum(body).String(); records[what] != got || seen[what] {
			c.wrong(eventsFile, "event %s, line %d, is not the one in the log, or is there twice", f.ID, i+1)
			continue
		}
		seen[what] = true
		c.fact(f)
	}
	for _, what := range sortedKeys(records) {
		if strings.HasPrefix(what, "event ") && !seen[what] {
			c.wrong(eventsFile, "the log records the %s, which is left out", what)
		}
	}
}

func (c *contents) fact(f fact) {
	switch f.Type {
	case "evidence.submitted.v1":
		c.agree(f, slices.ContainsFunc(c.Evidence, func(e EvidenceItem) bool { return e.ID == f.Data.Item && e.Digest.String() == f.Data.Digest }))
	case "award.proposed.v1":
		c.agree(f, slices.ContainsFunc(c.Proposals, func(p Proposal) bool {
			return p.ID == f.Data.Proposal && p.Outcome == f.Data.Outcome && p.Basis.String() == f.Data.Basis
		}))
	case "award.decided.v1":
		c.agree(f, slices.ContainsFunc(c.Decisions, func(d Decision) bool {
			return d.ID == f.Data.Decision && d.Outcome == f.Data.Outcome && d.Proposal == f.Data.Proposal
		}))
	case "qualification.registered.v1":
		e := c.Entry
		c.agree(f, e != nil && e.Number == f.Data.Number && e.Decision == f.Data.Decision && e.ValidFrom == f.Data.ValidFrom && e.ValidTo == f.Data.ValidTo)
	}
}

func (c *contents) agree(f fact, ok bool) {
	if !ok || f.Data.Application != string(c.Application) {
		c.wrong(caseFile, "it does not say what event %s (%s) says", f.ID, f.Type)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
