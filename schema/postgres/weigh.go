package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
)

var (
	// task_once_per_round makes opening the same round twice harmless.
	openRoundTasks = statement(`
INSERT INTO task (id, round, application, candidate, standard, competence, due_at)
SELECT v.id, r.id, r.application, $2, $3, r.competence, r.at + make_interval(days => $4)
  FROM round r JOIN unnest($5::uuid[], $6::uuid[]) AS v (round, id) ON v.round = r.id
 WHERE r.application = $1
ON CONFLICT (round) DO NOTHING
RETURNING id, round, competence, due_at`)
	nextDue = statement(`
SELECT min(due) FROM (
  SELECT min(due_at) AS due FROM task WHERE application = $1 AND state IN ('open', 'claimed') AND overdue_at IS NULL
  UNION ALL
  SELECT min(p.due_at) FROM proposal p
   WHERE p.application = $1 AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.proposal = p.id)
     AND NOT EXISTS (SELECT 1 FROM proposal_overdue o WHERE o.proposal = p.id)) AS d`)
)

// OpenAssessment puts rounds into the queue of the assessors who may judge them
// and returns when the case should be looked at next (zero for never). It opens
// nothing for a case that is not under assessment any more.
func (s *Store) OpenAssessment(ctx context.Context, app application.ID, rounds []assessment.RoundID) (time.Time, error) {
	var due time.Time
	err := s.systemAct(ctx, "assessment.open", app, rounds, func(ctx context.Context, c *change) error {
		if c.app.State == application.Assessing {
			if err := c.openTasks(ctx, rounds); err != nil {
				return err
			}
		}
		var err error
		due, err = c.nextDue(ctx)
		return err
	})
	return due, err
}

func (c *change) openTasks(ctx context.Context, rounds []assessment.RoundID) error {
	_, proc, err := c.rules(ctx, c.app)
	if err != nil {
		return err
	}
	ids := make([]string, len(rounds))
	for i := range rounds {
		ids[i] = newID()
	}
	var opened []struct {
		ID         assessment.TaskID
		Round      assessment.RoundID
		Competence string
		DueAt      time.Time `db:"due_at"`
	}
	err = c.SelectContext(ctx, &opened, openRoundTasks, c.app.ID, c.app.Candidate, c.app.Standard,
		proc.Assessment.DueDays, pq.Array(rounds), pq.Array(ids))
	if err != nil || len(opened) == 0 {
		return err
	}
	fact := events.TasksOpened{About: c.of()}
	for _, o := range opened {
		fact.Tasks = append(fact.Tasks, events.Task{Task: o.ID, Round: o.Round, Competence: o.Competence, DueAt: o.DueAt.UTC()})
	}
	c.record(fact)
	c.object = string(opened[0].ID)
	return nil
}

// nextDue is when something in the case is due next; zero for nothing.
func (c *change) nextDue(ctx context.Context) (time.Time, error) {
	var due *time.Time
	if err := c.GetContext(ctx, &due, nextDue, c.app.ID); err != nil || due == nil {
		return time.Time{}, err
	}
	return due.UTC(), nil
}

var (
	closedRounds = statement(`
SELECT r.id, r.competence FROM round r JOIN round_closed c ON c.round = r.id
 WHERE r.application = $1 AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.round = r.id) ORDER BY c.position`)
	insertFinding = statement(`
INSERT INTO finding (round, application, competence, met, open, standard, procedure, position, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
)

// WeighRounds says what the closed rounds amount to, records the findings with the
// versions that gave them, and returns what should be proposed now ("" while the
// case goes on). It weighs every closed round that has no finding, also one whose
// news is still on the way: a proposal must not overtake a finding. The primary key
// of finding and the look before it, under the application's lock, make weighing
// twice harmless.
func (s *Store) WeighRounds(ctx context.Context, app application.ID) (award.Outcome, error) {
	var proposes award.Outcome
	err := s.systemAct(ctx, "competence.weigh", app, "weigh", func(ctx context.Context, c *change) error {
		proposes = ""
		if c.app.State != application.Assessing && c.app.State != application.Gathering {
			return nil
		}
		standing, err := c.standing(ctx, c.app)
		if err != nil {
			return err
		}
		if err := c.addFindings(ctx, standing); err != nil {
			return err
		}
		if !standing.UnderAssessment() {
			c.app.State = application.Gathering
		}
		std, _, err := c.rules(ctx, c.app)
		if err != nil {
			return err
		}
		proposes = award.Propose(std, standing)
		return nil
	})
	return proposes, err
}

type closedRound struct {
	ID         assessment.RoundID
	Competence string
}

// closedUnweighed returns the closed rounds that have no finding.
func (t tx) closedUnweighed(ctx context.Context, app application.ID) (closed []closedRound, err error) {
	return closed, t.SelectContext(ctx, &closed, closedRounds, app)
}

func (c *change) addFindings(ctx context.Context, standing assessment.Standing) error {
	closed, err := c.closedUnweighed(ctx, c.app.ID)
	if err != nil || len(closed) == 0 {
		return err
	}
	std, _, err := c.rules(ctx, c.app)
	if err != nil {
		return err
	}
	fact := events.CompetencesWeighed{About: c.of()}
	position := c.app.Position + 1
	for i, r := range closed {
		found := []string{r.Competence}
		if i == len(closed)-1 {
			found = append(found, std.Recurring()...) // once, after all contexts of this weighing
		}
		for _, code := range found {
			f := standing.Competences[code].Finding
			fact.Findings = append(fact.Findings, events.Finding{Competence: code, Met: f.Met, Open: f.Open})
			if _, err := c.ExecContext(ctx, insertFinding, r.ID, c.app.ID, code, f.Met, pq.Array(texts(f.Open)),
				c.app.Standard, c.app.Procedure, position, c.at); err != nil {
				return fmt.Errorf("finding on %s: %w", code, err)
			}
			if err := c.recorded("finding", string(r.ID)+"/"+code, row{
				"round": r.ID, "application": c.app.ID, "competence": code, "met": f.Met, "open": texts(f.Open),
				"standard": c.app.Standard, "procedure": c.app.Procedure, "position": position, "at": c.at,
			}); err != nil {
				return err
			}
		}
	}
	c.record(fact)
	c.object = string(closed[0].ID)
	return nil
}

var (
	markTasksOverdue = statement(`
UPDATE task SET overdue_at = $2
 WHERE application = $1 AND state IN ('open', 'claimed') AND due_at <= $2 AND overdue_at IS NULL RETURNING id`)
	overdueProposal = statement(`
SELECT p.id FROM proposal p WHERE p.application = $1 AND p.due_at <= $2
   AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.proposal = p.id)
   AND NOT EXISTS (SELECT 1 FROM proposal_overdue o WHERE o.proposal = p.id)`)
	insertProposalOverdue = statement(`INSERT INTO proposal_overdue (proposal, position, at) VALUES ($1, $2, $3)`)
)

// RemindOverdue says which tasks and which proposal of a case are past their due
// time, once each (overdue_at and proposal_overdue make a second call harmless),
// and returns when to look next (zero for never).
func (s *Store) RemindOverdue(ctx context.Context, app application.ID) (time.Time, error) {
	var due time.Time
	err := s.systemAct(ctx, "overdue.remind", app, nil, func(ctx context.Context, c *change) error {
		if !c.app.State.Ended() {
			if err := c.remindTasks(ctx); err != nil {
				return err
			}
			if err := c.remindProposal(ctx); err != nil {
				return err
			}
		}
		var err error
		due, err = c.nextDue(ctx)
		return err
	})
	return due, err
}

func (c *change) remindTasks(ctx context.Context) error {
	var tasks []assessment.TaskID
	if err := c.SelectContext(ctx, &tasks, markTasksOverdue, c.app.ID, c.at); err != nil || len(tasks) == 0 {
		return err
	}
	c.record(events.AssessmentOverdue{About: c.of(), Tasks: tasks})
	c.object = string(tasks[0])
	return nil
}

func (c *change) remindProposal(ctx context.Context) error {
	var proposals []award.ProposalID
	if err := c.SelectContext(ctx, &proposals, overdueProposal, c.app.ID, c.at); err != nil {
		return err
	}
	for _, id := range proposals {
		position := c.record(events.DecisionOverdue{About: c.of(), Proposal: id})
		c.object = string(id)
		if _, err := c.ExecContext(ctx, insertProposalOverdue, id, position, c.at); err != nil {
			return err
		}
		if err := c.recorded("proposal_overdue", string(id), row{"proposal": id, "position": position, "at": c.at}); err != nil {
			return err
		}
	}
	return nil
}
