package check

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"
)

var auditRules = []rule{
	{
		name: "audit.real", says: "Each act is one that there is: of a role that does such acts, by who held it at that time, at somebody's request unless it is the system's, in a case where it is about one, and with what it recorded.",
		source: "ISO/IEC 17024:2012, 7.1 and 7.4 (records prove that the process was followed); our design: one audit row for each act", each: actsAreReal, outside: true,
	},
}

// theSystem is the actor of what workflows do, and its role.
const (
	theSystem  = "~kutse"
	systemRole = "system"
)

// act is what is known of an act by its name.
type act struct {
	roles  []string // who does such acts
	inCase bool     // it is about an application
	bare   bool     // it may record nothing: what it would make true is so already
}

// acts are all acts that there are, written anew from design.md and not taken from
// what carries them out. A test holds it against the source.
var acts = map[string]act{
	"application.open":     {roles: []string{"cand"}, inCase: true},
	"application.withdraw": {roles: []string{"cand"}, inCase: true},
	"evidence.submit":      {roles: []string{"cand"}, inCase: true},
	"competence.hand-in":   {roles: []string{"cand"}, inCase: true},
	"blob.commit":          {roles: []string{"cand"}, bare: true}, // the same file again
	"prior.bring":          {roles: []string{"cand"}, bare: true},
	"casefile.make":        {roles: []string{"cand", "cnl"}, inCase: true},
	"task.claim":           {roles: []string{"asr"}, inCase: true},
	"task.release":         {roles: []string{"asr"}, inCase: true},
	"verdict.give":         {roles: []string{"asr"}, inCase: true},
	"decision.make":        {roles: []string{"com"}, inCase: true},
	"audit-finding.file":   {roles: []string{"cnl"}, inCase: true},
	"hold.place":           {roles: []string{"cnl"}},
	"hold.lift":            {roles: []string{"cnl"}},
	"person.erase":         {roles: []string{"cnl"}},
	"sample.commit":        {roles: []string{"cnl"}},
	"sample.draw":          {roles: []string{"cnl"}},
	"standard.load":        {roles: []string{"adm"}, bare: true}, // the same version again
	"procedure.load":       {roles: []string{"adm"}, bare: true},
	"person.add":           {roles: []string{"adm", systemRole}, bare: true}, // the system adds the first operator
	"assessment.open":      {roles: []string{systemRole}, inCase: true},
	"competence.weigh":     {roles: []string{systemRole}, inCase: true},
	"award.propose":        {roles: []string{systemRole}, inCase: true},
	"register.enter":       {roles: []string{systemRole}, inCase: true},
	"overdue.remind":       {roles: []string{systemRole}, inCase: true},
}

// That the case is there, record.case says; that the request has its receipt,
// receipt.digest.
func actsAreReal(c *facts, say say) {
	for _, a := range c.audits {
		what, known := acts[a.act]
		if !known {
			say("audit "+a.id, "%q is no act", a.act)
			continue
		}
		if wrong := c.wrongActor(a); wrong != "" {
			say("audit "+a.id, "%s", wrong)
		}
		if !slices.Contains(what.roles, a.role) {
			say("audit "+a.id, "nobody does %s as %q", a.act, a.role)
		}
		if what.inCase != (c.ID != "") {
			say("audit "+a.id, "%s is about an application: %t; this one: %t", a.act, what.inCase, c.ID != "")
		}
		if a.records == 0 && !what.bare {
			say("audit "+a.id, "%s recorded nothing", a.act)
		}
	}
}

// clockSkew is how far the clocks of two machines may differ before the order of what
// they recorded says anything.
const clockSkew = time.Minute

// wrongActor says what is wrong with who did an act, as whom, and at whose request.
func (c *facts) wrongActor(a audit) string {
	if a.actor == theSystem || a.role == systemRole {
		if a.actor != theSystem || a.role != systemRole || a.request != "" {
			return fmt.Sprintf("%s as %q at the request %q: the system acts as %s, at nobody's request", a.actor, a.role, a.request, systemRole)
		}
		return ""
	}
	since, holds := c.actors[a.actor+"/"+a.role]
	switch {
	case !holds:
		return fmt.Sprintf("%s, who did %s, never had the role %q here", a.actor, a.act, a.role)
	case since.After(a.at.Add(clockSkew)):
		return fmt.Sprintf("%s did %s at %s, and has the role %s since %s", a.actor, a.act, a.at, a.role, since)
	case a.request == "":
		return fmt.Sprintf("%s did %s at no request", a.actor, a.act)
	}
	return ""
}

// readActors reads since when whoever acts in these parts has which roles.
func (r *reading) readActors(ctx context.Context, parts []*facts) error {
	people := map[string]bool{}
	actors := map[string]time.Time{}
	var names []string
	for _, c := range parts {
		c.actors = actors
		for _, a := range c.audits {
			if !people[a.actor] {
				people[a.actor], names = true, append(names, a.actor)
			}
		}
	}
	return r.each(ctx, "person_role", `SELECT row_to_json(t)::text FROM person_role t WHERE person = ANY($1)`, func(one row) error {
		actors[one.id] = one.time("at")
		return nil
	}, pq.Array(names))
}
