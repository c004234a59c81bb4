package postgres

import (
	"context"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// caseShown is what the door calls showing a case, in each role that may ask it.
var caseShown = map[person.Role]string{
	person.Candidate: "application.show", person.Committee: "case.show", person.Council: "get.application",
}

// Case reads where one application stands, for those who may see it.
func (s *Store) Case(ctx context.Context, a Actor, req request.OfApplication) (request.Case, error) {
	var out request.Case
	err := s.readRecorded(ctx, a, func(t tx) error {
		app, err := t.visible(ctx, a, req.Application)
		if err != nil {
			return err
		}
		if err := t.reading(ctx, a, caseShown[a.Role], req.Purpose, person.ID(app.Candidate), app.ID); err != nil {
			return err
		}
		out, err = t.caseOf(ctx, app)
		return err
	})
	return out, err
}

func (t tx) caseOf(ctx context.Context, app *applicationRow) (request.Case, error) {
	line, err := t.line(ctx, app)
	if err != nil {
		return request.Case{}, err
	}
	out := request.Case{
		ApplicationLine: line, Position: app.Position,
		StandardDigest: canon.Digest(app.Standard), ProcedureDigest: canon.Digest(app.Procedure),
	}
	std, proc, err := t.rules(ctx, app)
	if err != nil {
		return out, err
	}
	standing, err := t.standing(ctx, app)
	if err != nil {
		return out, err
	}
	var n struct{ Submissions, Verdicts int }
	if err := t.GetContext(ctx, &n, countCase, app.ID); err != nil {
		return out, err
	}
	out.Submissions, out.Verdicts = n.Submissions, n.Verdicts
	for _, l := range award.Lacking(std, standing) {
		out.Lacking = append(out.Lacking, l.String())
	}
	if out.Competences, err = t.caseCompetences(ctx, app, std, standing); err != nil {
		return out, err
	}
	if out.Proposal, err = t.caseProposal(ctx, app); err != nil {
		return out, err
	}
	if out.Decisions, err = t.caseDecisions(ctx, app, proc); err != nil {
		return out, err
	}
	out.Entry, err = t.caseEntry(ctx, app)
	return out, err
}

var (
	countCase = statement(`
SELECT (SELECT count(*) FROM evidence_item WHERE application = $1) AS submissions,
       (SELECT count(*) FROM verdict WHERE application = $1) AS verdicts`)
	evidenceCounts = statement(`
SELECT competence || '/' || ordinal AS indicator, count(*) AS n FROM evidence_link WHERE application = $1 GROUP BY 1`)
	latestReasons = statement(`
SELECT DISTINCT ON (competence, ordinal) id, competence || '/' || ordinal AS indicator, reason
  FROM verdict WHERE application = $1 AND outcome = 'not_yet_shown' ORDER BY competence, ordinal, position DESC`)
)

func (t tx) caseCompetences(ctx context.Context, app *applicationRow, std *catalogue.Standard, standing assessment.Standing) ([]request.CaseCompetence, error) {
	counts, err := t.evidenceCounts(ctx, app)
	if err != nil {
		return nil, err
	}
	reasons, err := t.openReasons(ctx, app)
	if err != nil {
		return nil, err
	}
	var list []request.CaseCompetence
	for _, g := range std.Groups {
		for _, c := range g.Competences {
			cs := standing.Competences[c.Code]
			cc := request.CaseCompetence{
				Code: c.Code, Title: c.Title, Group: string(g.Kind), Met: cs.Met, UnderAssessment: cs.UnderAssessment, RoundsLeft: cs.RoundsLeft,
			}
			for _, st := range c.Statements {
				id := catalogue.IndicatorID{Competence: c.Code, Ordinal: st.Ordinal}
				ci := request.CaseIndicator{
					Indicator: id, Text: st.Text, Assessable: st.Assessable, Evidence: counts[id.String()], Shown: standing.Shown(id) && st.Assessable,
				}
				if !ci.Shown {
					ci.Reason = reasons[id.String()]
				}
				cc.Indicators = append(cc.Indicators, ci)
			}
			list = append(list, cc)
		}
	}
	return list, nil
}

func (t tx) evidenceCounts(ctx context.Context, app *applicationRow) (map[string]int, error) {
	var rows []struct {
		Indicator string
		N         int
	}
	if err := t.SelectContext(ctx, &rows, evidenceCounts, app.ID); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Indicator] = r.N
	}
	return counts, nil
}

func (t tx) openReasons(ctx context.Context, app *applicationRow) (map[string]string, error) {
	var rows []struct {
		ID        string
		Indicator string
		Reason    []byte
	}
	if err := t.SelectContext(ctx, &rows, latestReasons, app.ID); err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for _, r := range rows {
		plain, err := t.text(ctx, person.ID(app.Candidate), verdictField(r.ID), r.Reason)
		if err != nil {
			return nil, fmt.Errorf("verdict %s: %w", r.ID, err)
		}
		reasons[r.Indicator] = plain
	}
	return reasons, nil
}

func (t tx) caseProposal(ctx context.Context, app *applicationRow) (*request.Proposal, error) {
	var row proposalRow
	missing, err := noRows(t.GetContext(ctx, &row, currentProposal, app.ID))
	if err != nil || missing {
		return nil, err
	}
	return &request.Proposal{Proposal: row.ID, Outcome: row.Outcome, DueAt: row.DueAt.UTC(), At: row.At.UTC()}, nil
}

func (t tx) caseDecisions(ctx context.Context, app *applicationRow, proc *procedure.Procedure) ([]request.Decision, error) {
	var rows []decisionRow
	if err := t.SelectContext(ctx, &rows, decisionsOf, app.ID); err != nil {
		return nil, err
	}
	var list []request.Decision
	for _, r := range rows {
		grounds, err := t.text(ctx, person.ID(app.Candidate), decisionField(r.ID), r.Grounds)
		if err != nil {
			return nil, fmt.Errorf("decision %s: %w", r.ID, err)
		}
		d := request.Decision{
			Decision: r.ID, Outcome: r.Outcome, Member: r.Member, Grounds: grounds, LegalBasis: r.LegalBasis,
			Returned: r.Returned, At: r.At.UTC(),
			Challenge: challengeOf(proc),
		}
		if d.Proof, err = t.proofOf(ctx, app.ID, string(r.ID)); err != nil {
			return nil, err
		}
		unmet, err := parseIDs(r.Unmet)
		if err != nil {
			return nil, err
		}
		for i, id := range unmet {
			reason, err := t.text(ctx, person.ID(app.Candidate), reasonField(r.ID, id), r.Reasons[i])
			if err != nil {
				return nil, fmt.Errorf("decision %s on %s: %w", r.ID, id, err)
			}
			d.Reasons = append(d.Reasons, request.Reason{Indicator: id, Reason: reason})
		}
		list = append(list, d)
	}
	return list, nil
}

func (t tx) caseEntry(ctx context.Context, app *applicationRow) (*request.RegisterEntry, error) {
	var row entryRow
	missing, err := noRows(t.GetContext(ctx, &row, entryOfApplication, app.ID))
	if err != nil || missing {
		return nil, err
	}
	entry, err := t.entry(ctx, row)
	return &entry, err
}
