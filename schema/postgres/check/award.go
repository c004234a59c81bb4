package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/kutse-dev/kutse/schema/canon"
)

var awardRules = []rule{
	{
		name: "award.proposed", says: "What is proposed follows from the facts: the award when nothing is lacking, a refusal when something can no longer be shown, nothing while a round is open or unweighed.",
		source: "KutS § 18; ISO/IEC 17024:2012, 9.4 (not before all requirements are met)", each: proposalsFollow,
	},
	{
		name: "award.basis", says: "A proposal names the verdicts that it rests on.",
		source: "ISO/IEC 17024:2012, 9.4 (enough to decide and to trace in an appeal)", each: proposalsNameTheirVerdicts,
	},
	{
		name: "award.decision", says: "A decision is on a proposal of its own application, one on each, under the versions that the case is pinned to.",
		source: "ISO/IEC 17024:2012, 9.4; our design: one decision per proposal", each: decisionsAreOnProposals,
	},
	{
		name: "award.committee", says: "Who decides is a member of the committee at that time.",
		source: "ISO/IEC 17024:2012, 4.2 (authority to decide is not delegated)", each: membersDecide,
	},
	{
		name: "award.apart", says: "Nobody decides who assessed in the case or is its candidate.",
		source: "ISO/IEC 17024:2012, 9.4 (decision-makers took no part in the exam); KutS § 18 (domain.md 1.2)", each: decidersTookNoPart,
	},
	{
		name: "award.grounds", says: "A decision is reviewed, has grounds, and cites a provision of the case's procedure.",
		source: "3-3-1-18-14, p 11 (the committee reviews); 3-17-1994/89, p 15-16; HMS § 56", each: decisionsHaveGrounds,
	},
	{
		name: "award.reads", says: "Grounds and reasons open under the candidate's key and say something.",
		source: "HMS § 56; our design: free text is sealed under the candidate's key", needs: []need{theKEK}, each: groundsOpen,
	},
	{
		name: "award.refusal", says: "A refusal has a reason for each unmet indicator and for no other.",
		source: "3-17-1994/89, p 15-16 (a refusal without basis and reasons is annulled)", each: refusalsHaveReasons,
	},
	{
		name: "award.met", says: "An award leaves nothing unmet that the standard asks for.",
		source: "KutS § 18; ISO/IEC 17024:2012, 9.4 (not before all requirements are met)", each: awardsLeaveNothingUnmet,
	},
}

func proposalsFollow(c *facts, say say) {
	if !c.readable() {
		return
	}
	var looks []step
	for _, p := range c.proposals {
		looks = append(looks, step{position: p.position, look: func(s *standing) {
			lacks := s.lacks()
			lost := slices.ContainsFunc(lacks, func(l lack) bool { return l.lost })
			switch {
			case s.underAssessment():
				say("proposal "+p.id, "a round was open")
			case s.unweighed > 0:
				say("proposal "+p.id, "%d closed rounds had no finding", s.unweighed)
			case p.outcome == "award" && len(lacks) > 0:
				say("proposal "+p.id, "it proposes the award, and this was lacking: %v", lacks)
			case p.outcome == "refuse" && !lost:
				say("proposal "+p.id, "it proposes a refusal, and everything could still be shown or was: %v", lacks)
			}
		}})
	}
	c.tell(looks...)
}

func proposalsNameTheirVerdicts(c *facts, say say) {
	for _, p := range c.proposals {
		var ids []string
		for _, v := range c.verdicts {
			if v.position < p.position {
				ids = append(ids, v.id)
			}
		}
		if d, err := canon.DigestOf(ids); err != nil || d.String() != p.basis {
			say("proposal "+p.id, "it rests on %s, and the %d verdicts before it have the digest %s", p.basis, len(ids), d)
		}
	}
}

func decisionsAreOnProposals(c *facts, say say) {
	on := map[string]string{}
	for _, d := range c.decisions {
		i := slices.IndexFunc(c.proposals, func(p proposal) bool { return p.id == d.proposal })
		switch {
		case i < 0:
			say("decision "+d.id, "it is on proposal %s, which is none of this application", d.proposal)
		case c.proposals[i].position >= d.position:
			say("decision "+d.id, "it is number %d, and its proposal number %d", d.position, c.proposals[i].position)
		case on[d.proposal] != "":
			say("decision "+d.id, "proposal %s was decided by %s already", d.proposal, on[d.proposal])
		case d.standard != c.Standard || d.procedure != c.Procedure:
			say("decision "+d.id, "it was made under %s and %s, and the case has %s and %s", d.standard, d.procedure, c.Standard, c.Procedure)
		}
		on[d.proposal] = d.id
	}
}

func membersDecide(c *facts, say say) {
	for _, d := range c.decisions {
		if since, ok := c.roles[d.member+"/com"]; !ok || since.After(d.at) {
			say("decision "+d.id, "%s was no member of the committee at %s", d.member, d.at)
		}
	}
}

func decidersTookNoPart(c *facts, say say) {
	for _, d := range c.decisions {
		if d.member == c.Candidate {
			say("decision "+d.id, "%s decided on their own application", d.member)
		}
		if i := slices.IndexFunc(c.verdicts, func(v verdict) bool { return v.assessor == d.member }); i >= 0 {
			say("decision "+d.id, "%s decided, and gave verdict %s in the case", d.member, c.verdicts[i].id)
		}
	}
}

func decisionsHaveGrounds(c *facts, say say) {
	for _, d := range c.decisions {
		if !d.reviewed {
			say("decision "+d.id, "%s did not confirm having reviewed the case", d.member)
		}
		if !d.hasGrounds {
			say("decision "+d.id, "it has no grounds")
		}
		if proc := c.procedure.value; proc != nil && !slices.Contains(proc.LegalBasis, d.legalBasis) {
			say("decision "+d.id, "it cites %q, and its procedure knows %v", d.legalBasis, proc.LegalBasis)
		}
	}
}

func groundsOpen(c *facts, say say) {
	for _, d := range c.decisions {
		for i, o := range append([]opened{d.grounds}, d.reasons...) {
			what := "its grounds"
			if i > 0 && i <= len(d.unmet) {
				what = "its reason for " + d.unmet[i-1]
			}
			switch {
			case i == 0 && !d.hasGrounds, i > 0 && !d.hasReasons[i-1]:
			case o.wrong != "":
				say("decision "+d.id, "%s: %s", what, o.wrong)
			case o.blank:
				say("decision "+d.id, "%s: it is blank", what)
			}
		}
	}
}

func refusalsHaveReasons(c *facts, say say) {
	if !c.readable() {
		return
	}
	var looks []step
	for _, d := range c.decisions {
		looks = append(looks, step{position: d.position, look: func(s *standing) {
			if d.outcome != "refuse" {
				if len(d.unmet) > 0 {
					say("decision "+d.id, "it is no refusal, and has reasons for %v", d.unmet)
				}
				return
			}
			want := map[string]bool{}
			for _, l := range s.lacks() {
				for _, id := range l.open {
					want[id] = true
				}
			}
			for i, id := range d.unmet {
				if !want[id] {
					say("decision "+d.id, "it refuses for %s, which is not lacking", id)
				}
				if i < len(d.hasReasons) && d.hasReasons[i] {
					delete(want, id)
				}
			}
			if missing := slices.Sorted(maps.Keys(want)); len(missing) > 0 {
				say("decision "+d.id, "it refuses without a reason for %s", strings.Join(missing, ", "))
			}
		}})
	}
	c.tell(looks...)
}

func awardsLeaveNothingUnmet(c *facts, say say) {
	if !c.readable() {
		return
	}
	var looks []step
	for _, d := range c.decisions {
		if d.outcome != "award" {
			continue
		}
		looks = append(looks, step{position: d.position, look: func(s *standing) {
			if lacks := s.lacks(); len(lacks) > 0 {
				say("decision "+d.id, "it awards, and this was lacking: %v", lacks)
			}
		}})
	}
	c.tell(looks...)
}
