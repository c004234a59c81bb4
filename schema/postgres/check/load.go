package check

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"
)

func (r *reading) countCases(ctx context.Context, id string) (n int, err error) {
	err = r.tx.GetContext(ctx, &n, `SELECT count(*) FROM application WHERE $1 = '' OR id::text = $1`, id)
	return n, err
}

const (
	pageAfter = `SELECT row_to_json(t)::text FROM application t WHERE id > $1::uuid ORDER BY id LIMIT $2`
	oneCase   = `SELECT row_to_json(t)::text FROM application t WHERE id = $1::uuid LIMIT $2`

	// nobody is before every id.
	nobody = "00000000-0000-0000-0000-000000000000"
)

// pager reads one page of cases, a query for each table.
type pager struct {
	*reading
	ids    []string
	cases  map[string]*facts // by application
	rounds map[string]*facts // by round
	items  map[string]*facts // by piece of evidence

	proposals map[string]*facts // by proposal

	links  map[string][]string            // item to its indicators
	frozen map[string]map[string][]string // round to items to their indicators
}

// page reads the cases after an id, in the order of ids, or the one with only.
func (r *reading) page(ctx context.Context, only, after string, limit int) ([]*facts, error) {
	p := &pager{
		reading: r, cases: map[string]*facts{}, rounds: map[string]*facts{}, items: map[string]*facts{},
		links: map[string][]string{}, frozen: map[string]map[string][]string{}, proposals: map[string]*facts{},
	}
	var page []*facts
	query, from := pageAfter, cmp.Or(after, nobody)
	if only != "" {
		query, from = oneCase, only
	}
	err := r.each(ctx, "application", query,
		func(row row) error {
			c := newCase()
			c.ID, c.Candidate, c.Standard, c.Procedure = row.id, row.text("candidate"), row.text("standard"), row.text("procedure")
			c.Opened, c.State, c.Position = row.time("opened_at"), row.text("state"), row.whole("position")
			c.keep(row, nil)
			p.cases[c.ID], p.ids, page = c, append(p.ids, c.ID), append(page, c)
			return nil
		}, from, limit)
	if err != nil || len(page) == 0 {
		return page, err
	}
	if err := p.rules(ctx, page); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context) error{p.readEvidence, p.readRounds, p.readVerdicts, p.readAward, p.readTasks, p.readEvents, p.readOthers} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.readAudits(ctx, page); err != nil {
		return nil, err
	}
	for _, c := range page {
		c.order()
	}
	return page, nil
}

func newCase() *facts {
	return &facts{named: map[string][]naming{}, rows: map[string]found{}, receipts: map[string]receipt{}}
}

// keep notes that a row is there, with its digest.
func (c *facts) keep(r row, parts map[string]any) {
	f := found{at: r.time("at")}
	if r.table == "application" {
		f.at = r.time("opened_at")
	}
	digest, err := r.digest(parts)
	if f.digest = digest; err != nil {
		f.wrong = err.Error()
	}
	c.rows[r.name()] = f
}

// order brings facts into the order of their positions.
func (c *facts) order() {
	slices.SortFunc(c.events, func(a, b event) int { return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.id, b.id)) })
	slices.SortFunc(c.rounds, func(a, b *round) int { return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.id, b.id)) })
	slices.SortFunc(c.verdicts, func(a, b verdict) int { return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.id, b.id)) })
	slices.SortFunc(c.findings, func(a, b finding) int { return cmp.Compare(a.position, b.position) })
	slices.SortFunc(c.proposals, func(a, b proposal) int { return cmp.Compare(a.position, b.position) })
	slices.SortFunc(c.decisions, func(a, b decision) int { return cmp.Compare(a.position, b.position) })
}

// rules reads the versions that the cases are pinned to, and the candidates' keys.
func (p *pager) rules(ctx context.Context, page []*facts) (err error) {
	people := map[string]bool{}
	for _, c := range page {
		people[c.Candidate] = true
		if c.standard, err = pinned(ctx, p.reading, p.standards, standardBody, c.Standard); err != nil {
			return err
		}
		if c.procedure, err = pinned(ctx, p.reading, p.procedures, procedureBody, c.Procedure); err != nil {
			return err
		}
	}
	if err := p.readKeys(ctx, slices.Collect(maps.Keys(people))); err != nil {
		return err
	}
	for _, c := range page {
		_, has := p.keys.wrapped[personID(c.Candidate)]
		c.Erased = p.hasKeys && !has
	}
	return nil
}

// of reads rows of the page's cases; owner says of which case one is.
func (p *pager) of(ctx context.Context, tab, where string, owner func(row) *facts, do func(*facts, row) error) error {
	return p.each(ctx, tab, `SELECT row_to_json(t)::text FROM `+tab+` t `+where, func(r row) error {
		c := owner(r)
		if c == nil {
			return fmt.Errorf("%s belongs to no case of its page", r.name())
		}
		return do(c, r)
	}, pq.Array(p.ids))
}

const ofApplication = `WHERE t.application = ANY($1::uuid[])`

func (p *pager) byApplication(r row) *facts { return p.cases[r.text("application")] }
func (p *pager) byRound(r row) *facts       { return p.rounds[r.text("round")] }
func (p *pager) byProposal(r row) *facts    { return p.proposals[r.text("proposal")] }

func (p *pager) readEvidence(ctx context.Context) error {
	err := p.each(ctx, "evidence_link", `
SELECT row_to_json(t)::text FROM evidence_link t JOIN evidence_item i ON i.id = t.item WHERE i.application = ANY($1::uuid[])`, func(r row) error {
		p.links[r.text("item")] = append(p.links[r.text("item")], indicator{r.text("competence"), r.whole("ordinal")}.String())
		return nil
	}, pq.Array(p.ids))
	if err != nil {
		return err
	}
	err = p.of(ctx, "evidence_item", ofApplication+` ORDER BY t.position`, p.byApplication, func(c *facts, r row) error {
		links := p.links[r.id]
		slices.SortFunc(links, compareIndicators)
		c.keep(r, map[string]any{"indicators": slices.Concat([]string{}, links)})
		p.items[r.id] = c
		i := item{
			id: r.id, candidate: r.text("candidate"), kind: r.text("kind"), digest: r.text("digest"), address: r.text("address"),
			size: int64(r.whole("size")), indicators: links,
		}
		i.opened = p.evidence(i, r.bytes("content"))
		c.items = append(c.items, i)
		return nil
	})
	if err != nil {
		return err
	}
	return p.readBlobs(ctx)
}

func (p *pager) readBlobs(ctx context.Context) error {
	files := map[string]*stored{}
	err := p.each(ctx, "blob", `
SELECT row_to_json(t)::text FROM blob t WHERE (t.person, t.address) IN
  (SELECT candidate, address FROM evidence_item WHERE application = ANY($1::uuid[]) AND address IS NOT NULL)`, func(r row) error {
		files[r.id] = &stored{size: int64(r.whole("size"))}
		return nil
	}, pq.Array(p.ids))
	if err != nil {
		return err
	}
	for _, c := range p.cases {
		for i := range c.items {
			if it := &c.items[i]; it.kind == "file" {
				it.blob = files[it.candidate+"/"+it.address]
				if it.file = p.file(*it); it.file != "" && c.Erased {
					it.file = ""
				}
			}
		}
	}
	return nil
}

func compareIndicators(a, b string) int {
	x, y := readIndicator(a), readIndicator(b)
	return cmp.Or(cmp.Compare(x.competence, y.competence), cmp.Compare(x.ordinal, y.ordinal))
}

func (p *pager) readRounds(ctx context.Context) error {
	err := p.each(ctx, "round_evidence", `
SELECT row_to_json(t)::text FROM round_evidence t JOIN round r ON r.id = t.round WHERE r.application = ANY($1::uuid[])`, func(r row) error {
		of := p.frozen[r.text("round")]
		if of == nil {
			of = map[string][]string{}
			p.frozen[r.text("round")] = of
		}
		of[r.text("item")] = append(of[r.text("item")], indicator{r.text("competence"), r.whole("ordinal")}.String())
		return nil
	}, pq.Array(p.ids))
	if err != nil {
		return err
	}
	err = p.of(ctx, "round", ofApplication, p.byApplication, func(c *facts, r row) error {
		one := &round{
			id: r.id, competence: r.text("competence"), number: r.whole("number"), asked: r.texts("asked"), offered: r.texts("offered"),
			frozen: p.frozen[r.id], position: r.whole("position"), at: r.time("at"),
		}
		evidence := []string{}
		for item, ids := range one.frozen {
			for _, id := range ids {
				evidence = append(evidence, item+" "+id)
			}
		}
		slices.Sort(evidence)
		c.keep(r, map[string]any{"evidence": evidence})
		p.rounds[r.id], c.rounds = c, append(c.rounds, one)
		return nil
	})
	if err != nil {
		return err
	}
	return p.of(ctx, "round_closed", joinRound, p.byRound, func(c *facts, r row) error {
		c.keep(r, nil)
		one := c.round(r.text("round"))
		one.closed, one.closedAt = r.whole("position"), r.time("at")
		return nil
	})
}

const joinRound = `JOIN round r ON r.id = t.round WHERE r.application = ANY($1::uuid[])`

func (p *pager) readVerdicts(ctx context.Context) error {
	err := p.of(ctx, "verdict", joinRound, p.byRound, func(c *facts, r row) error {
		c.keep(r, nil)
		v := verdict{
			id: r.id, round: r.text("round"), task: r.text("task"), application: r.text("application"), context: r.text("context"),
			outcome: r.text("outcome"), assessor: r.text("assessor"), indicator: indicator{r.text("competence"), r.whole("ordinal")},
			saw: r.texts("saw"), position: r.whole("position"), at: r.time("at"),
		}
		if reason := r.bytes("reason"); reason != nil {
			v.hasReason, v.reason = true, p.text(c.Candidate, "verdict."+r.id, reason)
		}
		c.verdicts = append(c.verdicts, v)
		return nil
	})
	if err != nil {
		return err
	}
	return p.of(ctx, "finding", joinRound, p.byRound, func(c *facts, r row) error {
		c.keep(r, nil)
		c.findings = append(c.findings, finding{
			round: r.text("round"), application: r.text("application"), competence: r.text("competence"), standard: r.text("standard"),
			procedure: r.text("procedure"), met: r.yes("met"), open: r.texts("open"), position: r.whole("position"),
		})
		return nil
	})
}

func (p *pager) readAward(ctx context.Context) error {
	err := p.of(ctx, "proposal", ofApplication, p.byApplication, func(c *facts, r row) error {
		c.keep(r, nil)
		p.proposals[r.id] = c
		c.proposals = append(c.proposals, proposal{id: r.id, outcome: r.text("outcome"), basis: r.text("basis"), position: r.whole("position")})
		return nil
	})
	if err != nil {
		return err
	}
	err = p.of(ctx, "proposal_overdue", `JOIN proposal p ON p.id = t.proposal WHERE p.application = ANY($1::uuid[])`, p.byProposal, func(c *facts, r row) error {
		c.keep(r, nil)
		c.overdue = append(c.overdue, r.text("proposal"))
		return nil
	})
	if err != nil {
		return err
	}
	err = p.of(ctx, "decision", ofApplication, p.byApplication, func(c *facts, r row) error {
		c.keep(r, nil)
		c.decisions = append(c.decisions, p.decision(c, r))
		return nil
	})
	if err != nil {
		return err
	}
	return p.of(ctx, "register_entry", ofApplication, p.byApplication, func(c *facts, r row) error {
		c.keep(r, nil)
		c.entries = append(c.entries, entry{
			number: r.text("number"), decision: r.text("decision"), candidate: r.text("candidate"), standard: r.text("standard"),
			procedure: r.text("procedure"), from: r.text("valid_from"), to: r.text("valid_to"), typ: r.whole("type"), position: r.whole("position"),
		})
		return nil
	})
}

func (p *pager) decision(c *facts, r row) decision {
	d := decision{
		id: r.id, proposal: r.text("proposal"), outcome: r.text("outcome"), member: r.text("member"), legalBasis: r.text("legal_basis"),
		standard: r.text("standard"), procedure: r.text("procedure"), reviewed: r.yes("reviewed"), unmet: r.texts("unmet"),
		returned: r.texts("returned"), position: r.whole("position"), at: r.time("at"),
	}
	grounds := r.bytes("grounds")
	d.hasGrounds, d.grounds = len(grounds) > 0, p.text(c.Candidate, "decision."+r.id, grounds)
	for i, reason := range r.texts("reasons") {
		field := ""
		if i < len(d.unmet) {
			field = "decision." + r.id + "." + d.unmet[i]
		}
		d.hasReasons = append(d.hasReasons, reason != "")
		d.reasons = append(d.reasons, p.text(c.Candidate, field, unhex(reason)))
	}
	return d
}

func (p *pager) readTasks(ctx context.Context) error {
	err := p.of(ctx, "task", joinRound, p.byRound, func(c *facts, r row) error {
		c.tasks = append(c.tasks, task{
			id: r.id, round: r.text("round"), application: r.text("application"), candidate: r.text("candidate"), standard: r.text("standard"),
			competence: r.text("competence"), state: r.text("state"), assessor: r.text("assessor"),
		})
		return nil
	})
	if err != nil {
		return err
	}
	return p.readRights(ctx)
}

// readRights reads who of the people of these cases might do what, and since when.
func (p *pager) readRights(ctx context.Context) error {
	people := map[string]bool{}
	scopes, roles := map[string]map[string]time.Time{}, map[string]time.Time{}
	for _, c := range p.cases {
		if scopes[c.Standard] == nil {
			scopes[c.Standard] = map[string]time.Time{}
		}
		c.scopes, c.roles = scopes[c.Standard], roles
		for _, v := range c.verdicts {
			people[v.assessor] = true
		}
		for _, d := range c.decisions {
			people[d.member] = true
		}
	}
	names := pq.Array(slices.Collect(maps.Keys(people)))
	err := p.each(ctx, "assessor_scope", `SELECT row_to_json(t)::text FROM assessor_scope t WHERE assessor = ANY($1)`, func(r row) error {
		if of := scopes[r.text("standard")]; of != nil {
			of[r.text("assessor")+"/"+r.text("competence")] = r.time("at")
		}
		return nil
	}, names)
	if err != nil {
		return err
	}
	return p.each(ctx, "person_role", `SELECT row_to_json(t)::text FROM person_role t WHERE person = ANY($1)`, func(r row) error {
		roles[r.id] = r.time("at")
		return nil
	}, names)
}

func (p *pager) readEvents(ctx context.Context) error {
	return p.of(ctx, "event", ofApplication, p.byApplication, func(c *facts, r row) error {
		c.keep(r, nil)
		c.events = append(c.events, readEvent(r))
		return nil
	})
}

func readEvent(r row) event {
	return event{
		id: r.id, typ: r.text("type"), orderKey: r.text("order_key"), body: r.text("body"),
		position: r.whole("position"), at: r.time("at"),
	}
}

// loaded are the tables that are read above.
var loaded = []string{"evidence_item", "round", "round_closed", "verdict", "finding", "proposal", "proposal_overdue", "decision", "register_entry", "event"}

// readOthers reads what else stands in these cases, for its digests alone.
func (p *pager) readOthers(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(p.tables)) {
		t := p.tables[name]
		if !t.facts || t.place() != inCase || slices.Contains(loaded, name) {
			continue
		}
		err := p.of(ctx, name, ofApplication, p.byApplication, func(c *facts, r row) error {
			c.keep(r, nil)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pager) readAudits(ctx context.Context, page []*facts) error {
	err := p.of(ctx, "audit", ofApplication+` ORDER BY t.at, t.id`, p.byApplication, func(c *facts, r row) error {
		c.audit(r)
		return nil
	})
	if err != nil {
		return err
	}
	return p.settle(ctx, page)
}

// audit takes an audit row in, with what it names.
func (c *facts) audit(r row) {
	id, _ := r.cols["id"].(string)
	a := audit{
		id: id, actor: r.text("actor"), role: r.text("role"), act: r.text("act"), candidate: r.text("candidate"), standard: r.text("standard"),
		object: r.text("object"), request: r.text("request"), payload: r.text("payload"), position: r.whole("position"), records: len(r.texts("records")), at: r.time("at"),
	}
	c.audits = append(c.audits, a)
	for _, record := range r.texts("records") {
		at := strings.LastIndexByte(record, ' ')
		if at < 0 {
			at = len(record)
		}
		name := record[:at]
		if strings.HasPrefix(name, "assessor_scope ") {
			name += scopeOf(r)
		}
		c.named[name] = append(c.named[name], naming{id, a.at, strings.TrimPrefix(record[at:], " ")})
	}
}
