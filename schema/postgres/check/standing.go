package check

import (
	"slices"

	"github.com/kutse-dev/kutse/schema/catalogue"
)

// standing is where a case stands while its facts are told one after the other.
// It is written anew from design.md 3 and domain.md 3, and not taken from what
// weighs: two that agree are worth more than one.
type standing struct {
	c         *facts
	shown     map[string]bool            // of an indicator with a slot: what its last verdict says
	seen      map[string]map[string]bool // of a recurring one: what the last verdict says, by context
	last      map[string]bool            // of a recurring one: what the last verdict of all says
	judged    map[string]bool            // of a recurring one: whether any verdict counts
	handed    map[string]int             // rounds of a competence
	open      map[string]int             // of them, still open
	unweighed int                        // closed and without a finding
}

// step is one fact. look is told how the case stood before it; turn lets it stand
// as it does after.
type step struct {
	position int
	look     func(*standing)
	turn     func(*standing)
}

// tell walks through the facts in their order. Each look is called with the case as
// it stood at that position.
func (c *facts) tell(looks ...step) {
	s := &standing{
		c: c, shown: map[string]bool{}, seen: map[string]map[string]bool{}, last: map[string]bool{}, judged: map[string]bool{},
		handed: map[string]int{}, open: map[string]int{},
	}
	steps := slices.Clone(looks)
	for _, r := range c.rounds {
		steps = append(steps, step{position: r.position, turn: func(s *standing) { s.handed[r.competence]++; s.open[r.competence]++ }})
		if r.closed > 0 {
			steps = append(steps, step{position: r.closed, turn: func(s *standing) { s.open[r.competence]--; s.unweighed++ }})
		}
	}
	for _, v := range c.verdicts {
		steps = append(steps, step{position: v.position, turn: func(s *standing) { s.judge(v) }})
	}
	weighed := map[string]bool{}
	for _, f := range c.findings {
		if !weighed[f.round] {
			weighed[f.round] = true
			steps = append(steps, step{position: f.position, turn: func(s *standing) { s.unweighed-- }})
		}
	}
	for _, d := range c.decisions {
		if d.outcome == "return" {
			steps = append(steps, step{position: d.position, turn: func(s *standing) { s.sendBack(d.returned) }})
		}
	}
	// What is looked at comes before what happens at the same position.
	slices.SortStableFunc(steps, func(a, b step) int { return a.position - b.position })
	for _, st := range steps {
		if st.look != nil {
			st.look(s)
		}
		if st.turn != nil {
			st.turn(s)
		}
	}
}

func (s *standing) recurring(code string) bool {
	_, group, _ := s.c.standard.value.Competence(code)
	return group.Kind == catalogue.Recurring
}

func (s *standing) judge(v verdict) {
	id, shows := v.indicator.String(), v.outcome == "shown"
	if !s.recurring(v.indicator.competence) {
		s.shown[id] = shows
		return
	}
	if v.context == "" {
		return // seen nowhere
	}
	if s.seen[id] == nil {
		s.seen[id] = map[string]bool{}
	}
	s.seen[id][v.context], s.last[id], s.judged[id] = shows, shows, true
}

// sendBack forgets what was found for competences that the committee returned.
func (s *standing) sendBack(codes []string) {
	for _, code := range codes {
		for _, id := range s.assessable(code) {
			delete(s.shown, id)
			delete(s.seen, id)
			delete(s.last, id)
			delete(s.judged, id)
		}
		delete(s.handed, code)
		delete(s.open, code)
	}
}

func (s *standing) assessable(code string) []string {
	c, _, _ := s.c.standard.value.Competence(code)
	var ids []string
	for _, st := range c.Statements {
		if st.Assessable {
			ids = append(ids, indicator{code, st.Ordinal}.String())
		}
	}
	return ids
}

// unmet are the indicators of a competence that are not shown, in the standard's order.
func (s *standing) unmet(code string) []string {
	open := []string{}
	for _, id := range s.assessable(code) {
		ok := s.shown[id]
		if s.recurring(code) {
			ok = s.isSeen(id)
		}
		if !ok {
			open = append(open, id)
		}
	}
	return open
}

// isSeen says whether a recurring indicator is shown: in as many contexts as the
// procedure asks for, in one at least; and where a negative blocks, the last
// verdict of all shows it.
func (s *standing) isSeen(id string) bool {
	rule := s.c.procedure.value.Recurring
	contexts := 0
	for _, shows := range s.seen[id] {
		if shows {
			contexts++
		}
	}
	if rule.NegativeBlocks && s.judged[id] && !s.last[id] {
		return false
	}
	return contexts >= max(rule.MinContexts, 1)
}

// met says whether a competence is met: it has something to show and all is shown.
func (s *standing) met(code string) bool {
	return len(s.assessable(code)) > 0 && len(s.unmet(code)) == 0
}

// underAssessment says whether a round is open.
func (s *standing) underAssessment() bool {
	for _, n := range s.open {
		if n > 0 {
			return true
		}
	}
	return false
}

// left says whether a competence can still be shown: a round is open or can be
// opened. A recurring one is judged in the rounds of the others.
func (s *standing) left(code string) bool {
	rounds := s.c.procedure.value.Rounds
	if !s.recurring(code) {
		return s.open[code] > 0 || s.handed[code] < rounds
	}
	for _, c := range s.c.standard.value.Competences() {
		if !s.recurring(c.Code) && s.handed[c.Code] < rounds {
			return true
		}
	}
	return false
}

// lack is what stands between a case and the award.
type lack struct {
	competence string
	open       []string
	lost       bool // it can no longer be shown
}

// lacks says what the award rule asks for and the case does not have: every
// assessable competence of the required and the recurring groups, and of an
// elective group as many as it asks for (domain.md 3.2).
func (s *standing) lacks() []lack {
	var all []lack
	std := s.c.standard.value
	for _, g := range std.Groups {
		if slices.Contains(std.Award.Required, g.Key) || slices.Contains(std.Award.Recurring, g.Key) {
			all = append(all, s.lacksOf(g)...)
			continue
		}
		for _, e := range std.Award.Elective {
			if e.Group == g.Key {
				all = append(all, s.lacksOfElective(g, e.AtLeast)...)
			}
		}
	}
	return all
}

func (s *standing) lacksOf(g catalogue.Group) []lack {
	var all []lack
	for _, c := range g.Competences {
		if open := s.unmet(c.Code); len(open) > 0 {
			all = append(all, lack{c.Code, open, !s.left(c.Code)})
		}
	}
	return all
}

func (s *standing) lacksOfElective(g catalogue.Group, atLeast int) []lack {
	met, possible := 0, 0
	for _, c := range g.Competences {
		switch {
		case s.met(c.Code):
			met++
		case len(s.assessable(c.Code)) > 0 && s.left(c.Code):
			possible++
		}
	}
	if met >= atLeast {
		return nil
	}
	all := s.lacksOf(g)
	for i := range all {
		all[i].lost = met+possible < atLeast
	}
	return all
}

// readable says whether the case's standard and procedure can be used; where not,
// record.versions has said so.
func (c *facts) readable() bool { return c.standard.value != nil && c.procedure.value != nil }
