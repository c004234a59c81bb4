package check

import (
	"context"
	"slices"
	"time"
)

var registerRules = []rule{
	{
		name: "register.decision", says: "Each register entry is on a decision to award in its own application, one on each, and is of its candidate and standard.",
		source: "KutS § 15(1) and § 21 (the entry is the qualification); ISO/IEC 17024:2012, 9.4", each: entriesAreDecided,
	},
	{
		name: "register.validity", says: "An entry is valid from the day of the decision, for the years that the procedure says.",
		source: "KutS § 21; domain.md 2, step 18 and row 0", each: entriesAreValid,
	},
	{
		name: "register.number", says: "The numbers of each type run from 1 to the counter, without a gap.",
		source: "our design: numbers have no gaps, so that none can be taken out unseen", whole: numbersHaveNoGaps,
	},
}

func entriesAreDecided(c *facts, say say) {
	on := map[string]string{}
	for _, e := range c.entries {
		i := slices.IndexFunc(c.decisions, func(d decision) bool { return d.id == e.decision })
		switch {
		case i < 0:
			say("register_entry "+e.number, "it is on decision %s, which is none of this application", e.decision)
		case c.decisions[i].outcome != "award":
			say("register_entry "+e.number, "it is on decision %s, which is to %s", e.decision, c.decisions[i].outcome)
		case c.decisions[i].position >= e.position:
			say("register_entry "+e.number, "it is number %d of its case, and its decision number %d", e.position, c.decisions[i].position)
		case e.candidate != c.Candidate || e.standard != c.Standard || e.procedure != c.Procedure:
			say("register_entry "+e.number, "it is of %s for %s under %s, and the case of %s for %s under %s",
				e.candidate, e.standard, e.procedure, c.Candidate, c.Standard, c.Procedure)
		case on[e.decision] != "":
			say("register_entry "+e.number, "decision %s has the entry %s already", e.decision, on[e.decision])
		}
		on[e.decision] = e.number
	}
}

func entriesAreValid(c *facts, say say) {
	if c.procedure.value == nil {
		return
	}
	zone, err := time.LoadLocation(c.procedure.value.TimeZone)
	if err != nil {
		say("procedure "+c.Procedure, "its time zone is not known here: %v", err)
		return
	}
	for _, e := range c.entries {
		i := slices.IndexFunc(c.decisions, func(d decision) bool { return d.id == e.decision })
		if i < 0 {
			continue // register.decision
		}
		year, month, day := c.decisions[i].at.In(zone).Date()
		from := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		to := from.AddDate(c.procedure.value.Validity.Years, 0, -1)
		if want := [2]string{from.Format(time.DateOnly), to.Format(time.DateOnly)}; want != [2]string{e.from, e.to} {
			say("register_entry "+e.number, "it is valid from %s to %s, and by its procedure from %s to %s", e.from, e.to, want[0], want[1])
		}
	}
}

func numbersHaveNoGaps(ctx context.Context, r *run, say say) error {
	var wrong []struct {
		Object, What string
	}
	err := r.tx.SelectContext(ctx, &wrong, `
WITH entry AS (
  SELECT number, type, CASE WHEN number ~ ('^' || type || '-[0-9]{6,12}$') THEN split_part(number, '-', 2)::bigint END AS n FROM register_entry
), ordered AS (
  SELECT number, type, n, COALESCE(lag(n) OVER (PARTITION BY type ORDER BY n), 0) AS before FROM entry WHERE n IS NOT NULL
), last AS (
  SELECT c.type, c.last, COALESCE((SELECT max(n) FROM ordered o WHERE o.type = c.type), 0) AS highest FROM register_counter c
)
SELECT 'register_entry ' || number AS object, 'it is no number of type ' || type AS what FROM entry WHERE n IS NULL
UNION ALL SELECT 'register_entry ' || number, 'the number before it is ' || before FROM ordered WHERE n <> before + 1
UNION ALL SELECT 'register_counter ' || type, 'it stands at ' || last || ', and the last entry is ' || highest FROM last WHERE last <> highest
ORDER BY 1`)
	for _, w := range wrong {
		say(w.Object, "%s", w.What)
	}
	return err
}
