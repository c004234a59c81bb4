package check

import "encoding/json"

var stateRules = []rule{
	{
		name: "state.follows", says: "Where a case stands follows from its facts.",
		source: "our design: the state stands beside the facts so that an act can be refused at once", each: statesFollow,
	},
	{
		name: "state.position", says: "The number that a case has come to is that of its last fact.",
		source: "our design: facts are numbered without a gap", each: positionsFollow,
	},
	{
		name: "state.task", says: "A task is about what its round is about, is held by nobody whose case it is, and is done when its round is closed.",
		source: "our design: the queue follows from the rounds; ISO/IEC 17024:2012, 4.3", each: tasksFollow,
	},
	{
		name: "state.countable", says: "For each decision and each entry that was announced there is one in the record, and it says the same.",
		source: "ISO/IEC 17024:2012, 7.1 and 7.2; our design: decisions remain countable when the person is erased", each: decisionsAreCountable,
	},
}

func (c *facts) follows() string {
	for _, e := range c.events {
		if e.typ == "application.withdrawn.v1" {
			return "withdrawn"
		}
	}
	if len(c.entries) > 0 {
		return "registered"
	}
	decided := map[string]bool{}
	for _, d := range c.decisions {
		decided[d.proposal] = true
	}
	if n := len(c.proposals); n > 0 && !decided[c.proposals[n-1].id] {
		return "proposed"
	}
	if n := len(c.decisions); n > 0 {
		switch c.decisions[n-1].outcome {
		case "award":
			return "awarded"
		case "refuse":
			return "refused"
		}
	}
	weighed := map[string]bool{}
	for _, f := range c.findings {
		weighed[f.round] = true
	}
	for _, r := range c.rounds {
		if !weighed[r.id] {
			return "assessing"
		}
	}
	return "gathering"
}

func statesFollow(c *facts, say say) {
	if want := c.follows(); want != c.State {
		say("application "+c.ID, "it is %s, and from its facts %s", c.State, want)
	}
}

func positionsFollow(c *facts, say say) {
	last := 0
	if n := len(c.events); n > 0 {
		last = c.events[n-1].position
	}
	if last != c.Position {
		say("application "+c.ID, "it has come to number %d, and its last fact is number %d", c.Position, last)
	}
}

func tasksFollow(c *facts, say say) {
	for _, t := range c.tasks {
		r := c.round(t.round)
		if t.application != c.ID || t.candidate != c.Candidate || t.standard != c.Standard || t.competence != r.competence {
			say("task "+t.id, "it is about %s of %s in %s, and its round about %s of %s in %s", t.competence, t.candidate, t.application, r.competence, c.Candidate, c.ID)
		}
		if t.assessor == c.Candidate {
			say("task "+t.id, "its candidate holds it")
		}
		if (t.state == "done") != (r.closed > 0) {
			say("task "+t.id, "it is %s, and its round closed at number %d", t.state, r.closed)
		}
		if c.State == "withdrawn" && (t.state == "open" || t.state == "claimed") {
			say("task "+t.id, "it is %s, and the application was withdrawn", t.state)
		}
	}
}

func decisionsAreCountable(c *facts, say say) {
	decided, registered := map[string]string{}, map[string]bool{}
	for _, d := range c.decisions {
		decided[d.id] = d.outcome
	}
	for _, e := range c.entries {
		registered[e.number] = true
	}
	announced := 0
	for _, e := range c.events {
		var body struct {
			Data struct{ Decision, Outcome, Number string } `json:"data"`
		}
		if err := json.Unmarshal([]byte(e.body), &body); err != nil {
			continue // record.event
		}
		switch e.typ {
		case "award.decided.v1":
			announced++
			if got := decided[body.Data.Decision]; got != body.Data.Outcome {
				say("event "+e.id, "it announces decision %s to %s, and the record has %q", body.Data.Decision, body.Data.Outcome, got)
			}
		case "qualification.registered.v1":
			if !registered[body.Data.Number] {
				say("event "+e.id, "it announces the entry %s, and the record has none", body.Data.Number)
			}
		}
	}
	if announced != len(c.decisions) {
		say("application "+c.ID, "%d decisions were announced, and %d are in the record", announced, len(c.decisions))
	}
}
