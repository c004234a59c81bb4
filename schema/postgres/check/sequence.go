package check

var sequenceRules = []rule{
	{
		name: "sequence.whole", says: "The facts of a case are numbered from 1, without a gap and without a number twice.",
		source: "ISO/IEC 17024:2012, 7.1; our design: facts leave in order per application", each: sequenceIsWhole,
	},
	{
		name: "sequence.time", says: "Time does not run backwards in a case.",
		source: "ISO/IEC 17024:2012, 7.1; our design: the time is taken under the application's lock", each: timeRunsOn,
	},
}

func sequenceIsWhole(c *facts, say say) {
	want := 1
	for _, e := range c.events {
		switch {
		case e.position == want-1 && want > 1:
			say("event "+e.id, "it is number %d, as another event of the case is", e.position)
			continue
		case e.position != want:
			say("event "+e.id, "it is number %d, and the next is %d", e.position, want)
		}
		want = e.position + 1
	}
}

func timeRunsOn(c *facts, say say) {
	for i, e := range c.events {
		if i > 0 && e.at.Before(c.events[i-1].at) {
			say("event "+e.id, "number %d is of %s, and number %d before it of %s", e.position, e.at, c.events[i-1].position, c.events[i-1].at)
		}
	}
}
