package check

import (
	"maps"
	"slices"
)

var assessmentRules = []rule{
	{
		name: "assessment.own", says: "Nobody judges their own evidence.",
		source: "ISO/IEC 17024:2012, 4.3; HMS § 10 (domain.md 1.2)", each: nobodyJudgesTheirOwn,
	},
	{
		name: "assessment.scope", says: "Who judges was competent for the competence at that time.",
		source: "ISO/IEC 17024:2012, 6.2 (examiners competent in the field)", each: assessorsAreCompetent,
	},
	{
		name: "assessment.open", says: "A verdict is given while its round is open.",
		source: "our design: a round freezes the evidence, and closing it ends the judging", each: verdictsAreGivenInTime,
	},
	{
		name: "assessment.asked", says: "A verdict answers what its round asks or offers, in the context that it was judged in.",
		source: "ISO/IEC 17024:2012, 9.2 (assessment as in the scheme); standard 08-10052023-1.1/7k, B.2.15", each: verdictsAnswerTheRound,
	},
	{
		name: "assessment.saw", says: "A verdict names the evidence that was frozen for it in its round, all of it and nothing else, and that evidence is there.",
		source: "our design: every verdict names the digests that it saw; ISO/IEC 17024:2012, 9.4 (enough to trace a decision)", each: verdictsNameTheFrozen,
	},
	{
		name: "assessment.reason", says: "Every \"not yet shown\" has a reason.",
		source: "HMS § 56; our design: the reason is the candidate's way on", each: notYetHasAReason,
	},
	{
		name: "assessment.reads", says: "The reason of a verdict opens under the candidate's key and says something.",
		source: "HMS § 56; our design: free text is sealed under the candidate's key", needs: []need{theKEK}, each: reasonsOpen,
	},
	{
		name: "assessment.closed", says: "A round closes only when one assessor has judged everything that it asked.",
		source: "our design: one person answers for a round", each: roundsCloseWhenJudged,
	},
}

func nobodyJudgesTheirOwn(c *facts, say say) {
	for _, v := range c.verdicts {
		if v.assessor == c.Candidate {
			say("verdict "+v.id, "%s judged %s in their own case", v.assessor, v.indicator)
		}
	}
}

func assessorsAreCompetent(c *facts, say say) {
	for _, v := range c.verdicts {
		r := c.round(v.round)
		since, ok := c.scopes[v.assessor+"/"+r.competence]
		switch role, holds := c.roles[v.assessor+"/asr"]; {
		case !holds || role.After(v.at):
			say("verdict "+v.id, "%s was no assessor at %s", v.assessor, v.at)
		case !ok:
			say("verdict "+v.id, "%s may not assess %s", v.assessor, r.competence)
		case since.After(v.at):
			say("verdict "+v.id, "%s may assess %s since %s, and judged at %s", v.assessor, r.competence, since, v.at)
		}
	}
}

func verdictsAreGivenInTime(c *facts, say say) {
	for _, v := range c.verdicts {
		switch r := c.round(v.round); {
		case v.application != c.ID:
			say("verdict "+v.id, "it says application %s, and its round is of %s", v.application, c.ID)
		case v.position <= r.position || v.at.Before(r.at):
			say("verdict "+v.id, "it is number %d, and round %s opened at number %d", v.position, r.id, r.position)
		case r.closed > 0 && (v.position > r.closed || v.at.After(r.closedAt)):
			say("verdict "+v.id, "it is number %d, and round %s closed at number %d", v.position, r.id, r.closed)
		}
	}
}

func verdictsAnswerTheRound(c *facts, say say) {
	for _, v := range c.verdicts {
		r := c.round(v.round)
		want := ""
		if v.indicator.competence != r.competence {
			want = r.competence
		}
		switch id := v.indicator.String(); {
		case !slices.Contains(r.asked, id) && !slices.Contains(r.offered, id):
			say("verdict "+v.id, "it judges %s, and round %s asks %v and offers %v", id, r.id, r.asked, r.offered)
		case v.context != want:
			say("verdict "+v.id, "it judges %s in the context %q, and round %s is about %s", id, v.context, r.id, r.competence)
		}
	}
}

func verdictsNameTheFrozen(c *facts, say say) {
	digests := map[string]string{}
	for _, i := range c.items {
		digests[i.id] = i.digest
	}
	for _, v := range c.verdicts {
		frozen := map[string]bool{}
		for item, ids := range c.round(v.round).frozen {
			if v.context == "" && !slices.Contains(ids, v.indicator.String()) {
				continue
			}
			if digests[item] == "" {
				say("verdict "+v.id, "evidence %s was frozen for it, and is not there in this case", item)
				continue
			}
			frozen[digests[item]] = true
		}
		for _, d := range v.saw {
			if !frozen[d] {
				say("verdict "+v.id, "it names evidence %s, which was not frozen for %s in its round", d, v.indicator)
			}
			delete(frozen, d)
		}
		for _, d := range slices.Sorted(maps.Keys(frozen)) {
			say("verdict "+v.id, "it does not name evidence %s, which was frozen for %s", d, v.indicator)
		}
	}
}

func notYetHasAReason(c *facts, say say) {
	for _, v := range c.verdicts {
		switch {
		case v.outcome != "shown" && v.outcome != "not_yet_shown":
			say("verdict "+v.id, "its outcome is %q", v.outcome)
		case v.outcome == "not_yet_shown" && !v.hasReason:
			say("verdict "+v.id, "%s is not yet shown, and it does not say why", v.indicator)
		}
	}
}

func reasonsOpen(c *facts, say say) {
	for _, v := range c.verdicts {
		switch {
		case !v.hasReason:
		case v.reason.wrong != "":
			say("verdict "+v.id, "its reason does not open: %s", v.reason.wrong)
		case v.reason.blank:
			say("verdict "+v.id, "its reason is blank")
		}
	}
}

func roundsCloseWhenJudged(c *facts, say say) {
	for _, r := range c.rounds {
		if r.closed == 0 {
			continue
		}
		judged := map[string]map[string]bool{} // by assessor
		for _, v := range c.verdicts {
			if v.round != r.id {
				continue
			}
			if judged[v.assessor] == nil {
				judged[v.assessor] = map[string]bool{}
			}
			judged[v.assessor][v.indicator.String()] = true
		}
		answers := false
		for _, by := range judged {
			answers = answers || !slices.ContainsFunc(r.asked, func(id string) bool { return !by[id] })
		}
		if !answers {
			say("round "+r.id, "it is closed, and no assessor has judged all of %v", r.asked)
		}
	}
}
