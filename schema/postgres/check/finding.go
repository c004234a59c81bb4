package check

import "slices"

var findingRules = []rule{
	{
		name: "finding.right", says: "What was found for a competence is what its verdicts amount to under the case's own standard and procedure.",
		source: "domain.md 3.3 and 3.4; standard 08-10052023-1.1/7k, B.1 and B.2.15; ISO/IEC 17024:2012, 9.2", each: findingsAreRight,
	},
	{
		name: "finding.pinned", says: "A finding was made under the versions that the case is pinned to, for its round's competence or a recurring one.",
		source: "3-17-1994/89, p 19 (which versions were applied); our design: both are pinned by digest", each: findingsArePinned,
	},
}

func findingsAreRight(c *facts, say say) {
	if !c.readable() {
		return
	}
	var looks []step
	for _, f := range c.findings {
		looks = append(looks, step{position: f.position, look: func(s *standing) {
			open, met := s.unmet(f.competence), s.met(f.competence)
			if met != f.met || !slices.Equal(open, f.open) {
				say("finding "+f.round+"/"+f.competence, "it says met %t, open %v; the verdicts say met %t, open %v", f.met, f.open, met, open)
			}
		}})
	}
	c.tell(looks...)
}

func findingsArePinned(c *facts, say say) {
	for _, f := range c.findings {
		object := "finding " + f.round + "/" + f.competence
		if f.standard != c.Standard || f.procedure != c.Procedure || f.application != c.ID {
			say(object, "it was made for %s under %s and %s, and the case %s has %s and %s", f.application, f.standard, f.procedure, c.ID, c.Standard, c.Procedure)
		}
		r := c.round(f.round)
		if f.competence != r.competence && c.standard.value != nil && !slices.Contains(c.standard.value.Recurring(), f.competence) {
			say(object, "its round is about %s", r.competence)
		}
		if r.closed == 0 || r.closed >= f.position {
			say(object, "it is number %d, and its round closed at number %d", f.position, r.closed)
		}
	}
}
