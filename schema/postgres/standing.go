package postgres

import (
	"context"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	roundFacts = statement(`
SELECT r.competence, r.position, c.round IS NOT NULL AS closed
  FROM round r LEFT JOIN round_closed c ON c.round = r.id WHERE r.application = $1 ORDER BY r.position`)
	verdictFacts = statement(`
SELECT competence, ordinal, COALESCE(context, '') AS context, outcome, assessor, position
  FROM verdict WHERE application = $1 ORDER BY position`)
	returnFacts = statement(`
SELECT returned, position FROM decision WHERE application = $1 AND outcome = 'return' ORDER BY position`)
)

// standing works out where an application stands, from the facts, under the
// versions it is pinned to.
func (t tx) standing(ctx context.Context, app *applicationRow) (assessment.Standing, error) {
	std, proc, err := t.rules(ctx, app)
	if err != nil {
		return assessment.Standing{}, err
	}
	facts, err := t.facts(ctx, app)
	if err != nil {
		return assessment.Standing{}, err
	}
	return assessment.Stand(std, proc, facts), nil
}

func (t tx) facts(ctx context.Context, app *applicationRow) (assessment.Facts, error) {
	var facts assessment.Facts
	var rounds []struct {
		Competence string
		Position   int
		Closed     bool
	}
	if err := t.SelectContext(ctx, &rounds, roundFacts, app.ID); err != nil {
		return facts, err
	}
	for _, r := range rounds {
		facts.Rounds = append(facts.Rounds, assessment.Round(r))
	}
	var verdicts []struct {
		Competence string
		Ordinal    int
		Context    string
		Outcome    assessment.Outcome
		Assessor   person.AssessorID
		Position   int
	}
	if err := t.SelectContext(ctx, &verdicts, verdictFacts, app.ID); err != nil {
		return facts, err
	}
	for _, v := range verdicts {
		facts.Verdicts = append(facts.Verdicts, assessment.Verdict{
			Indicator: catalogue.IndicatorID{Competence: v.Competence, Ordinal: v.Ordinal},
			Context:   v.Context, Outcome: v.Outcome, Assessor: v.Assessor, Position: v.Position,
		})
	}
	var returns []struct {
		Returned pq.StringArray
		Position int
	}
	if err := t.SelectContext(ctx, &returns, returnFacts, app.ID); err != nil {
		return facts, err
	}
	for _, r := range returns {
		facts.Returns = append(facts.Returns, assessment.Return{Competences: r.Returned, Position: r.Position})
	}
	return facts, nil
}
