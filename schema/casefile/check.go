package casefile

import (
	"fmt"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
)

// Check says what does not fit together in c, as Invalid: every id that is named
// is there, every word is one this format has, every piece of evidence is either
// whole or erased. It judges no assessment and no decision.
func (c Case) Check() error {
	k := checker{}
	k.head(c)
	k.evidence(c)
	k.rounds(c)
	k.verdicts(c)
	k.award(c)
	k.timeline(c)
	return k.err
}

// checker keeps the first thing that is wrong.
type checker struct{ err error }

func (k *checker) need(ok bool, format string, args ...any) {
	if !ok && k.err == nil {
		k.err = fault.Invalid.New("the case does not fit together: %s", fmt.Sprintf(format, args...))
	}
}

// when holds that t is a moment, in UTC, that JSON can carry.
func (k *checker) when(what string, t time.Time) {
	_, offset := t.Zone()
	k.need(!t.IsZero() && offset == 0 && t.Year() > 0 && t.Year() < 10000, "%s: the time %s is not one in UTC", what, t)
}

func (k *checker) day(what, day string) {
	_, err := time.Parse(time.DateOnly, day)
	k.need(err == nil, "%s: %q is not a day", what, day)
}

func (k *checker) head(c Case) {
	k.need(c.Format == Format, "format %d, not %d", c.Format, Format)
	k.need(host.MatchString(c.Origin), "origin %q is not a host", c.Origin)
	k.when("exported_at", c.ExportedAt)
	k.when("opened_at", c.OpenedAt)
	k.need(token.MatchString(string(c.Application)), "application %q is not an id", c.Application)
	k.need(token.MatchString(string(c.Candidate.ID)), "candidate %q is not an id", c.Candidate.ID)
	k.need(!c.Candidate.Erased || c.Candidate.Name+c.Candidate.Contact == "", "the candidate is erased and has a name")
	k.need(c.Standard.Digest != canon.Digest{} && c.Procedure.Digest != canon.Digest{}, "standard and procedure have digests")
	k.need(slices.Contains(application.States(), c.State), "state %q", c.State)
}

func (k *checker) evidence(c Case) {
	seen := map[evidence.ItemID]bool{}
	for _, e := range c.Evidence {
		k.need(token.MatchString(string(e.ID)) && !seen[e.ID], "evidence %q is not an id of its own", e.ID)
		seen[e.ID] = true
		k.when("evidence "+string(e.ID), e.At)
		k.need(e.Size >= 0, "evidence %s has %d bytes", e.ID, e.Size)
		if e.Erased {
			k.need(e.Salt == nil && e.File+e.Text+e.Link == "", "evidence %s is erased and has a salt or content", e.ID)
			continue
		}
		k.need(e.Salt != nil && e.File == EvidencePath(e.ID, e.Kind, e.MediaType), "evidence %s has no salt, or not the file %s",
			e.ID, EvidencePath(e.ID, e.Kind, e.MediaType))
		k.need(e.whole(), "evidence %s is not one text, one link or one file, as its kind %q says", e.ID, e.Kind)
	}
}

// whole says whether the content that stands in case.json is what the kind asks for.
func (e EvidenceItem) whole() bool {
	switch e.Kind {
	case evidence.Text:
		return e.Link == "" && int64(len(e.Text)) == e.Size
	case evidence.Link:
		return e.Text == "" && int64(len(e.Link)) == e.Size
	case evidence.File:
		return e.Text == "" && e.Link == ""
	default:
		return false
	}
}

func (k *checker) rounds(c Case) {
	items := map[evidence.ItemID]bool{}
	for _, e := range c.Evidence {
		items[e.ID] = true
	}
	seen := map[assessment.RoundID]bool{}
	for _, r := range c.Rounds {
		k.need(token.MatchString(string(r.ID)) && !seen[r.ID], "round %q is not an id of its own", r.ID)
		seen[r.ID] = true
		k.when("round "+string(r.ID), r.At)
		if r.ClosedAt != nil {
			k.when("round "+string(r.ID), *r.ClosedAt)
		}
		for _, f := range r.Evidence {
			k.need(items[f.Item], "round %s froze evidence %s, which is not there", r.ID, f.Item)
		}
	}
	for _, f := range c.Findings {
		k.need(seen[f.Round], "a finding on %s is of round %s, which is not there", f.Competence, f.Round)
		k.when("finding on "+f.Competence, f.At)
	}
	for _, v := range c.Verdicts {
		k.need(seen[v.Round], "verdict %s is of round %s, which is not there", v.ID, v.Round)
	}
}

func (k *checker) verdicts(c Case) {
	digests := map[canon.Digest]bool{}
	for _, e := range c.Evidence {
		digests[e.Digest] = true
	}
	seen := map[string]bool{}
	for _, v := range c.Verdicts {
		k.need(token.MatchString(v.ID) && !seen[v.ID], "verdict %q is not an id of its own", v.ID)
		seen[v.ID] = true
		k.when("verdict "+v.ID, v.At)
		k.need(v.Outcome == assessment.Shown || v.Outcome == assessment.NotYetShown, "verdict %s has the outcome %q", v.ID, v.Outcome)
		k.need(v.Outcome == assessment.Shown || v.Erased != (v.Reason != ""), "verdict %s needs a reason, or to say that it is erased", v.ID)
		k.need(!v.Erased || v.Reason == "", "verdict %s is erased and has a reason", v.ID)
		for _, saw := range v.Saw {
			k.need(digests[saw], "verdict %s is on the bytes %s, which are not there", v.ID, saw)
		}
	}
}

func (k *checker) award(c Case) {
	proposals, decisions := map[award.ProposalID]bool{}, map[award.DecisionID]bool{}
	for _, p := range c.Proposals {
		k.need(token.MatchString(string(p.ID)) && !proposals[p.ID], "proposal %q is not an id of its own", p.ID)
		proposals[p.ID] = true
		k.when("proposal "+string(p.ID), p.At)
		k.when("proposal "+string(p.ID), p.DueAt)
		k.need(p.Outcome == award.Award || p.Outcome == award.Refuse, "proposal %s is to %q", p.ID, p.Outcome)
	}
	for _, d := range c.Decisions {
		k.need(token.MatchString(string(d.ID)) && !decisions[d.ID], "decision %q is not an id of its own", d.ID)
		decisions[d.ID] = true
		k.when("decision "+string(d.ID), d.At)
		k.need(proposals[d.Proposal], "decision %s is on proposal %s, which is not there", d.ID, d.Proposal)
		k.need(d.Outcome == award.Award || d.Outcome == award.Refuse || d.Outcome == award.Return, "decision %s is to %q", d.ID, d.Outcome)
		k.need(d.Erased == (d.Grounds == ""), "decision %s needs grounds, or to say that they are erased", d.ID)
	}
	if c.Entry != nil {
		k.need(decisions[c.Entry.Decision], "the register entry is on decision %s, which is not there", c.Entry.Decision)
		k.when("register entry", c.Entry.At)
		k.need(c.Entry.Type >= 1 && c.Entry.Type <= 3, "the register entry has the type %d", c.Entry.Type)
		k.day("valid_from", c.Entry.ValidFrom)
		k.day("valid_to", c.Entry.ValidTo)
	}
	for _, p := range c.Prior {
		k.when("prior assessment "+p.ID, p.At)
	}
}

func (k *checker) timeline(c Case) {
	seen := map[string]bool{}
	for _, r := range c.Timeline {
		k.need(token.MatchString(r.ID) && !seen[r.ID], "audit row %q is not an id of its own", r.ID)
		seen[r.ID] = true
		k.when("audit row "+r.ID, r.At)
		for _, record := range r.Records {
			_, err := merkle.ParseRecord(record)
			k.need(err == nil, "audit row %s: %v", r.ID, err)
		}
	}
}
