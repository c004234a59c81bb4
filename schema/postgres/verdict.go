package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	applicationOfTask = statement(`
SELECT COALESCE((SELECT application::text FROM task WHERE id = $1), '') AS application,
       EXISTS (SELECT 1 FROM person_role WHERE person = $2 AND role::text = $3) AS holds`)

	// Every verdict names the evidence that was frozen for its indicator; one on a
	// recurring indicator, all that was before the assessor in that context.
	insertVerdicts = statement(`
INSERT INTO verdict (id, round, task, application, competence, ordinal, context, outcome, reason, assessor, saw, position, at)
SELECT v.id, $1, $2, $3, v.competence, v.ordinal, NULLIF(v.context, ''), v.outcome::verdict_outcome, NULLIF(v.reason, ''::bytea), $4,
       COALESCE((SELECT array_agg(DISTINCT i.digest) FROM round_evidence e JOIN evidence_item i ON i.id = e.item
                  WHERE e.round = $1 AND (v.context <> '' OR (e.competence = v.competence AND e.ordinal = v.ordinal))), '{}'),
       $5, $6
  FROM unnest($7::uuid[], $8::text[], $9::int[], $10::text[], $11::text[], $12::bytea[])
    AS v (id, competence, ordinal, context, outcome, reason)
RETURNING id, saw`)
	judgedInRound = statement(`SELECT DISTINCT competence || '/' || ordinal FROM verdict WHERE round = $1 AND assessor = $2`)
	finishTask    = statement(`UPDATE task SET state = 'done', lease_until = NULL WHERE id = $1`)
	closeRound    = statement(`INSERT INTO round_closed (round, position, at) VALUES ($1, $2, $3)`)
)

// GiveVerdicts records what an assessor found. When everything that the round
// asked has this assessor's verdict, the round closes: one person answers for a
// round, whoever judged some of it before and gave it back. [events.RoundClosed]
// then tells the workflow to weigh; what the verdicts amount to is said there, not
// here.
func (s *Store) GiveVerdicts(ctx context.Context, a Actor, req request.GiveVerdicts) (request.Receipt, error) {
	app, err := s.taskApplication(ctx, a, req.Task)
	if err != nil {
		return request.Receipt{}, err
	}
	return s.actOn(ctx, a, "verdict.give", app, req, func(ctx context.Context, c *change) error {
		row, err := c.heldTask(ctx, req.Task)
		if err != nil {
			return err
		}
		if req.Fence != 0 && req.Fence != row.Fence {
			return fault.Conflict.New("task %s was claimed again since: the fence is %d, not %d", row.ID, row.Fence, req.Fence)
		}
		if err := c.app.State.Allow(application.GiveVerdict); err != nil {
			return err
		}
		if person.ID(c.app.Candidate) == a.ID {
			return fault.Forbidden.New("nobody judges their own evidence")
		}
		if err := c.mayAssess(ctx, row); err != nil {
			return err
		}
		verdicts, err := c.checkVerdicts(row, req.Verdicts)
		if err != nil {
			return err
		}
		if err := c.addVerdicts(ctx, row, verdicts); err != nil {
			return err
		}
		return c.closeIfJudged(ctx, row)
	})
}

func (s *Store) taskApplication(ctx context.Context, a Actor, id assessment.TaskID) (application.ID, error) {
	if err := request.CheckID("a task's id", string(id)); err != nil {
		return "", err
	}
	var found struct {
		Application application.ID
		Holds       bool
	}
	if err := s.db.GetContext(ctx, &found, applicationOfTask, id, a.ID, a.Role); err != nil {
		return "", explain(err)
	}
	switch {
	case !found.Holds:
		return "", forbidRole(a)
	case found.Application == "":
		return "", fault.NotFound.New("there is no task %s", id)
	}
	return found.Application, nil
}

func (c *change) checkVerdicts(row taskRow, given []request.Verdict) ([]assessment.Verdict, error) {
	if len(given) == 0 {
		return nil, fault.Invalid.New("give at least one verdict")
	}
	ask, err := row.ask()
	if err != nil {
		return nil, err
	}
	var verdicts []assessment.Verdict
	for _, g := range given {
		v := assessment.Verdict{
			Indicator: g.Indicator, Outcome: g.Outcome, Reason: g.Reason, Assessor: person.AssessorID(c.actor.ID),
		}
		if g.Indicator.Competence != row.Competence {
			v.Context = row.Competence // a recurring indicator, judged here
		}
		if err := v.Check(ask); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(verdicts, func(o assessment.Verdict) bool { return o.Indicator == v.Indicator }) {
			return nil, fault.Invalid.New("%s is judged twice in one request", v.Indicator)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func (c *change) addVerdicts(ctx context.Context, task taskRow, verdicts []assessment.Verdict) error {
	recorded := events.VerdictsRecorded{About: c.of(), Round: task.Round, Competence: task.Competence}
	var ids, contexts, outcomes []string
	var reasons pq.ByteaArray
	for _, v := range verdicts {
		id := newID()
		reason, err := c.sealReason(ctx, v.Reason, verdictField(id))
		if err != nil {
			return err
		}
		ids, contexts = append(ids, id), append(contexts, v.Context)
		outcomes, reasons = append(outcomes, string(v.Outcome)), append(reasons, reason)
		recorded.Indicators = append(recorded.Indicators, v.Indicator)
	}
	codes, ordinals := split(recorded.Indicators)
	position := c.record(recorded)
	c.receipt.Record, c.receipt.Records = string(task.ID), ids
	var saw []sawRow
	if err := c.SelectContext(ctx, &saw, insertVerdicts, task.Round, task.ID, c.app.ID, c.actor.ID, position, c.at,
		pq.Array(ids), pq.Array(codes), pq.Array(ordinals), pq.Array(contexts), pq.Array(outcomes), reasons); err != nil {
		return fmt.Errorf("verdicts on task %s: %w", task.ID, err)
	}
	for i, v := range verdicts {
		r := row{
			"id": ids[i], "round": task.Round, "task": task.ID, "application": c.app.ID, "competence": v.Indicator.Competence,
			"ordinal": v.Indicator.Ordinal, "outcome": v.Outcome, "assessor": c.actor.ID, "saw": sawOf(saw, ids[i]), "position": position, "at": c.at,
		}
		if v.Context != "" {
			r["context"] = v.Context
		}
		if v.Reason != "" {
			r["reason"] = reasons[i]
		}
		if err := c.recorded("verdict", ids[i], r); err != nil {
			return err
		}
	}
	return nil
}

// sawRow is which evidence a verdict names.
type sawRow struct {
	ID  string
	Saw pq.ByteaArray
}

func sawOf(rows []sawRow, id string) pq.ByteaArray {
	for _, r := range rows {
		if r.ID == id {
			return r.Saw
		}
	}
	return nil
}

// verdictField is how the sealer knows a verdict's reason. It is about the
// candidate, so it is sealed under the candidate's key.
func verdictField(id string) string { return "verdict." + id }

// sealReason returns an empty slice where there is no reason: never nil, so that
// it takes its place in the array.
func (c *change) sealReason(ctx context.Context, reason, field string) ([]byte, error) {
	if reason == "" {
		return []byte{}, nil
	}
	return c.sealer(ctx).Seal(person.ID(c.app.Candidate), field, []byte(reason))
}

func (c *change) closeIfJudged(ctx context.Context, task taskRow) error {
	var judged []string
	if err := c.SelectContext(ctx, &judged, judgedInRound, task.Round, c.actor.ID); err != nil {
		return err
	}
	ask, err := task.ask()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(ask.Asked, func(id catalogue.IndicatorID) bool { return !slices.Contains(judged, id.String()) }) {
		return nil
	}
	if _, err := c.ExecContext(ctx, finishTask, task.ID); err != nil {
		return err
	}
	position := c.record(events.RoundClosed{
		About: c.of(), Round: events.Round{Round: task.Round, Competence: task.Competence, Number: task.Number},
	})
	if _, err = c.ExecContext(ctx, closeRound, task.Round, position, c.at); err != nil {
		return err
	}
	return c.recorded("round_closed", string(task.Round), row{"round": task.Round, "position": position, "at": c.at})
}
