package catalogue

import "slices"

func (c *checker) groups() {
	if len(c.s.Groups) == 0 {
		c.fail("groups", "are missing; a standard has competences")
		return
	}
	if _, _, assessable := c.s.Counts(); assessable == 0 {
		c.fail("groups", "have no statement that can be assessed")
	}
	keys, codes := map[string]bool{}, map[string]bool{}
	for i, g := range c.s.Groups {
		where := at("groups", i)
		switch {
		case !validKey(g.Key):
			c.fail(where+".key", "%.80q is not a key; write small letters, digits and single hyphens", g.Key)
		case keys[g.Key]:
			c.fail(where+".key", "%s is the key of an earlier group too", g.Key)
		}
		keys[g.Key] = true
		c.group(where, g, codes)
	}
}

func (c *checker) group(where string, g Group, codes map[string]bool) {
	c.line(where+".title", g.Title)
	if !slices.Contains(GroupKinds(), g.Kind) {
		c.fail(where+".kind", "%.80q is none of %v", g.Kind, GroupKinds())
	}
	if g.DeliveryMode != "" {
		c.line(where+".delivery_mode", g.DeliveryMode)
	}
	if g.Note != "" {
		c.text(where+".note", g.Note)
	}
	if len(g.Competences) == 0 {
		c.fail(where+".competences", "are missing; leave out the group %.80q or give it some", g.Key)
	}
	for i, k := range g.Competences {
		here := at(where+".competences", i)
		switch {
		case !code.MatchString(k.Code):
			c.fail(here+".code", "%.80q is not a code, as in B.2.3", k.Code)
		case codes[k.Code]:
			c.fail(here+".code", "%s is the code of an earlier competence too", k.Code)
		default:
			here = "competence " + k.Code
		}
		codes[k.Code] = true
		c.competence(here, k)
	}
}

func (c *checker) competence(where string, k Competence) {
	c.line(where+".title", k.Title)
	if k.Level < 0 || k.Level > 8 {
		c.fail(where+".level", "%d is not a level from 1 to 8", k.Level)
	}
	for i, ref := range k.Refs {
		c.line(at(where+".refs", i), ref)
	}
	c.unique(where+".refs", k.Refs)
	if k.AssessmentMethod != "" {
		c.text(where+".assessment_method", k.AssessmentMethod)
	}
	if len(k.Statements) == 0 {
		c.fail(where+".statements", "are missing; nobody could say when it is met")
	}
	for i, st := range k.Statements {
		here := at(where+".statements", i)
		if st.Ordinal != i+1 {
			c.fail(here+".ordinal", "is %d, want %d: they count from 1 in the order of the source", st.Ordinal, i+1)
		}
		if !slices.Contains(StatementKinds(), st.Kind) {
			c.fail(here+".kind", "%.80q is none of %v", st.Kind, StatementKinds())
		}
		if st.Depth != "" {
			c.line(here+".depth", st.Depth)
		}
		c.line(here+".text", st.Text)
		c.repaired(here, st.Text, st.Raw, st.Repairs)
	}
}

// requirable are the kinds of groups that an award may ask for as a whole.
var requirable = []GroupKind{Mandatory, Essential, Duty, KSA}

// electable are the kinds of groups of which an award may ask for a number.
var electable = []GroupKind{ElectiveGroup, Optional}

func (c *checker) award() {
	rule, named := c.s.Award, map[string]bool{}
	if len(rule.Required) == 0 && len(rule.Elective) == 0 {
		c.fail("award", "asks for nothing; name a group under required or elective")
	}
	for i, key := range rule.Required {
		c.named(at("award.required", i), key, named, requirable...)
	}
	for i, e := range rule.Elective {
		where := at("award.elective", i)
		g, ok := c.named(where, e.Group, named, electable...)
		if ok && (e.AtLeast < 1 || e.AtLeast > len(g.Competences)) {
			c.fail(where+".at_least", "%d of the %d competences of %s cannot be asked", e.AtLeast, len(g.Competences), e.Group)
		}
		if e.Specialisation != "" && !slices.Contains(c.s.Specialisations, e.Specialisation) {
			c.fail(where+".specialisation", "%.80q is not among the specialisations %q", e.Specialisation, c.s.Specialisations)
		}
	}
	for i, key := range rule.Recurring {
		c.named(at("award.recurring", i), key, named, Recurring)
	}
	for _, g := range c.s.Groups {
		if (g.Kind == Mandatory || g.Kind == Recurring) && !named[g.Key] {
			c.fail("award", "leaves out the group %s, though its kind is %s", g.Key, g.Kind)
		}
	}
}

// named looks up a group that the award names, and holds it to the kinds that
// may stand in that place.
func (c *checker) named(where, key string, named map[string]bool, kinds ...GroupKind) (Group, bool) {
	g, ok := c.s.group(key)
	switch {
	case !ok:
		c.fail(where, "there is no group %.80q", key)
	case named[key]:
		c.fail(where, "the group %s is named twice", key)
	case !slices.Contains(kinds, g.Kind):
		c.fail(where, "the group %s is of the kind %s; here it must be one of %v", key, g.Kind, kinds)
	}
	named[key] = true
	return g, ok
}

func (c *checker) partials() {
	var names []string
	for i, p := range c.s.Partials {
		where := at("partials", i)
		names = append(names, p.Name)
		c.line(where+".name", p.Name)
		if p.Level < 0 || p.Level > 8 {
			c.fail(where+".level", "%d is not a level from 1 to 8", p.Level)
		}
		if len(p.Competences) == 0 {
			c.fail(where+".competences", "are missing; a partial qualification has at least one")
		}
		c.unique(where+".competences", p.Competences)
		for j, name := range p.Competences {
			if _, _, ok := c.s.Competence(name); !ok {
				c.fail(at(where+".competences", j), "there is no competence %.40q", name)
			}
		}
	}
	c.unique("partials", names)
}

func (c *checker) sameTexts() {
	want := sameTexts(c.s)
	for _, k := range c.s.Competences() {
		for _, st := range k.Statements {
			id := IndicatorID{Competence: k.Code, Ordinal: st.Ordinal}
			if !slices.Equal(st.SameTextAs, want[id]) {
				c.fail("statement "+id.String()+".same_text_as", "is %v, but the statements with the same text are %v", st.SameTextAs, want[id])
			}
		}
	}
}
