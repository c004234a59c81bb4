package postgres

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

type taskRow struct {
	ID          assessment.TaskID  `db:"id"`
	Round       assessment.RoundID `db:"round"`
	Application application.ID     `db:"application"`
	Candidate   person.CandidateID `db:"candidate"`
	Standard    []byte             `db:"standard"`
	Competence  string             `db:"competence"`
	DueAt       time.Time          `db:"due_at"`
	State       string             `db:"state"`
	Assessor    sql.NullString     `db:"assessor"`
	Fence       int                `db:"fence"`
	LeaseUntil  sql.NullTime       `db:"lease_until"`
	Number      int                `db:"number"`
	Asked       pq.StringArray     `db:"asked"`
	Offered     pq.StringArray     `db:"offered"`
}

// heldBy says whether the actor holds the task. A lease that ran out does not
// take the task away by itself; somebody else's claim does.
func (r taskRow) heldBy(a Actor) bool {
	return r.State == "claimed" && r.Assessor.String == string(a.ID)
}

// ask is what the task's round put before its assessor.
func (r taskRow) ask() (assessment.Ask, error) {
	asked, err := parseIDs(r.Asked)
	if err != nil {
		return assessment.Ask{}, err
	}
	offered, err := parseIDs(r.Offered)
	return assessment.Ask{Competence: r.Competence, Asked: asked, Offered: offered}, err
}

const taskColumns = `
SELECT t.id, t.round, t.application, t.candidate, t.standard, t.competence, t.due_at, t.state, t.assessor, t.fence,
       t.lease_until, r.number, r.asked, r.offered
  FROM task t JOIN round r ON r.id = t.round`

var (
	getTask  = statement(taskColumns + ` WHERE t.id = $1`)
	lockTask = statement(taskColumns + ` WHERE t.id = $1 FOR NO KEY UPDATE OF t`)

	// The earliest due task that the assessor may judge: in scope, not their own
	// case nor one they decided on, open or held by somebody whose lease ran out. A task that they hold
	// themselves is claimed again only by name, which renews the lease. Tasks that
	// another claim has locked are skipped, so claimers do not wait for each other.
	nextTask = statement(taskColumns + `
  JOIN assessor_scope s ON s.assessor = $1 AND s.standard = t.standard AND s.competence = t.competence
 WHERE (t.state = 'open' OR (t.state = 'claimed' AND t.lease_until < $2 AND t.assessor <> $1)
        OR (t.state = 'claimed' AND t.assessor = $1 AND $3 <> ''))
   AND t.candidate <> $1 AND ($3 = '' OR t.id = NULLIF($3, '')::uuid)
   AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.application = t.application AND d.member = $1)
 ORDER BY t.due_at, t.id LIMIT 1 FOR NO KEY UPDATE OF t SKIP LOCKED`)

	claimTask = statement(`
UPDATE task SET state = 'claimed', assessor = $2, fence = fence + 1, lease_until = $3 WHERE id = $1 RETURNING fence`)
	releaseTask = statement(`
UPDATE task SET state = 'open', assessor = NULL, lease_until = NULL WHERE id = $1`)
	procedureOfApplication = statement(`SELECT procedure FROM application WHERE id = $1`)
)

// ClaimTask gives the assessor one task, or the earliest due one that they may
// judge. Whoever holds a task is in the database, and the fence goes up with each
// claim, so that a late act by a former holder is refused.
func (s *Store) ClaimTask(ctx context.Context, a Actor, req request.ClaimTask) (request.Receipt, error) {
	return s.act(ctx, a, "task.claim", "", req, func(ctx context.Context, c *change) error {
		if req.Task != "" {
			if err := request.CheckID("a task's id", string(req.Task)); err != nil {
				return err
			}
		}
		var row taskRow
		err := c.GetContext(ctx, &row, nextTask, a.ID, c.at, req.Task)
		if errors.Is(err, sql.ErrNoRows) {
			return c.whyNot(ctx, req.Task)
		}
		if err != nil {
			return err
		}
		return c.claim(ctx, row)
	})
}

func (c *change) claim(ctx context.Context, row taskRow) error {
	var digest []byte
	if err := c.GetContext(ctx, &digest, procedureOfApplication, row.Application); err != nil {
		return err
	}
	proc, err := c.procedure(ctx, canon.Digest(digest))
	if err != nil {
		return err
	}
	ask, err := row.ask()
	if err != nil {
		return err
	}
	lease := c.at.Add(proc.Lease())
	var fence int
	if err := c.GetContext(ctx, &fence, claimTask, row.ID, c.actor.ID, lease); err != nil {
		return err
	}
	c.record(events.TaskClaimed{
		ByAssessor:  events.ByAssessor{Assessor: person.AssessorID(c.actor.ID)},
		Application: row.Application, Task: row.ID, Fence: fence, LeaseUntil: lease,
	})
	c.receipt.Record, c.about = string(row.ID), about{row.Application, row.Candidate, row.Standard}
	c.receipt.Claimed = &request.ClaimedTask{
		Task: row.ID, Application: row.Application, Competence: row.Competence, Asked: ask.Asked, Offered: ask.Offered,
		Fence: fence, LeaseUntil: lease, DueAt: row.DueAt.UTC(),
	}
	return nil
}

// whyNot says why a task could not be claimed, in words for the assessor.
func (c *change) whyNot(ctx context.Context, id assessment.TaskID) error {
	if id == "" {
		return fault.NotFound.New("there is no task that you can claim now")
	}
	var row taskRow
	err := c.GetContext(ctx, &row, getTask, id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.NotFound.New("there is no task %s", id)
	case err != nil:
		return err
	case person.ID(row.Candidate) == c.actor.ID:
		return fault.Forbidden.New("nobody judges their own evidence")
	case row.State != "open":
		return fault.Conflict.New("task %s is %s", id, row.State)
	}
	if err := c.mayAssess(ctx, row); err != nil {
		return err
	}
	return fault.Conflict.New("somebody is claiming task %s right now", id)
}

// mayAssess says why the actor may not judge a task that is nobody's, if so.
func (c *change) mayAssess(ctx context.Context, row taskRow) error {
	var scope, decided bool
	if err := c.GetContext(ctx, &scope, inScope, c.actor.ID, row.Standard, row.Competence); err != nil {
		return err
	}
	if !scope {
		return fault.Forbidden.New("%s is not among the competences that you may assess", row.Competence)
	}
	if err := c.GetContext(ctx, &decided, decidedHere, row.Application, c.actor.ID); err != nil {
		return err
	}
	if decided {
		return fault.Forbidden.New("who decided on an application does not assess in it")
	}
	return nil
}

// ReleaseTask gives a task back to the queue, for others to claim.
func (s *Store) ReleaseTask(ctx context.Context, a Actor, req request.ReleaseTask) (request.Receipt, error) {
	return s.act(ctx, a, "task.release", "", req, func(ctx context.Context, c *change) error {
		row, err := c.heldTask(ctx, req.Task)
		if err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, releaseTask, row.ID); err != nil {
			return err
		}
		c.record(events.TaskReleased{
			ByAssessor:  events.ByAssessor{Assessor: person.AssessorID(a.ID)},
			Application: row.Application, Task: row.ID,
		})
		c.receipt.Record, c.about = string(row.ID), about{row.Application, row.Candidate, row.Standard}
		return nil
	})
}

// heldTask locks a task that the actor must hold.
func (c *change) heldTask(ctx context.Context, id assessment.TaskID) (taskRow, error) {
	var row taskRow
	if err := request.CheckID("a task's id", string(id)); err != nil {
		return row, err
	}
	err := c.GetContext(ctx, &row, lockTask, id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return row, fault.NotFound.New("there is no task %s", id)
	case err != nil:
		return row, err
	case !row.heldBy(c.actor):
		return row, fault.Conflict.New("you do not hold task %s: it is %s", id, row.State)
	}
	return row, nil
}

var (
	heldTasks = statement(taskColumns + ` WHERE t.assessor = $1 AND t.state = 'claimed' ORDER BY t.due_at, t.id LIMIT $2`)
	openTasks = statement(taskColumns + `
  JOIN assessor_scope s ON s.assessor = $1 AND s.standard = t.standard AND s.competence = t.competence
 WHERE (t.state = 'open' OR (t.state = 'claimed' AND t.lease_until < $3 AND t.assessor <> $1))
   AND t.candidate <> $1
   AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.application = t.application AND d.member = $1)
 ORDER BY t.due_at, t.id LIMIT $2`)
	inScope     = statement(`SELECT EXISTS (SELECT 1 FROM assessor_scope WHERE assessor = $1 AND standard = $2 AND competence = $3)`)
	decidedHere = statement(`SELECT EXISTS (SELECT 1 FROM decision WHERE application = $1 AND member = $2)`)
)

// maxTasks bounds a list of tasks.
const maxTasks = 100

// Tasks lists what the assessor holds and what they can claim, earliest due first.
func (s *Store) Tasks(ctx context.Context, a Actor, req request.TaskPage) (request.Tasks, error) {
	var tasks request.Tasks
	limit := bounded(req.Limit, maxTasks)
	err := s.read(ctx, a, func(t tx) (err error) {
		if tasks.Held, err = t.taskList(ctx, heldTasks, a.ID, limit); err != nil {
			return err
		}
		tasks.Open, err = t.taskList(ctx, openTasks, a.ID, limit, s.clock())
		return err
	})
	return tasks, err
}

func (t tx) taskList(ctx context.Context, query string, args ...any) ([]request.Task, error) {
	var rows []taskRow
	if err := t.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	list := make([]request.Task, 0, len(rows))
	for _, row := range rows {
		std, err := t.standard(ctx, canon.Digest(row.Standard))
		if err != nil {
			return nil, err
		}
		c, _, _ := std.Competence(row.Competence)
		task := request.Task{
			Task: row.ID, Standard: std.Key, Competence: row.Competence, Title: c.Title, Number: row.Number, DueAt: row.DueAt.UTC(),
		}
		if row.LeaseUntil.Valid {
			lease := row.LeaseUntil.Time.UTC()
			task.LeaseUntil = &lease
		}
		list = append(list, task)
	}
	return list, nil
}

var roundEvidence = statement(`
SELECT i.id, i.candidate, i.kind, i.digest, i.size, i.content, i.position, i.at,
       COALESCE(b.media_type, '') AS media_type,
       array_agg(e.competence || '/' || e.ordinal ORDER BY e.competence, e.ordinal) AS indicators
  FROM round_evidence e JOIN evidence_item i ON i.id = e.item
  LEFT JOIN blob b ON b.person = i.candidate AND b.address = i.address
 WHERE e.round = $1 AND i.position > $2
 GROUP BY i.id, b.media_type ORDER BY i.position LIMIT $3`)

// TaskEvidence reads a page of the evidence that was frozen for a task that the
// assessor holds, in the order it came.
func (s *Store) TaskEvidence(ctx context.Context, a Actor, req request.TaskEvidencePage) (request.TaskEvidence, error) {
	out := request.TaskEvidence{Task: req.Task}
	if err := request.CheckID("a task's id", string(req.Task)); err != nil {
		return out, err
	}
	err := s.readRecorded(ctx, a, func(t tx) error {
		var task taskRow
		err := t.GetContext(ctx, &task, getTask, req.Task)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err != nil || !task.heldBy(a) {
			return fault.NotFound.New("you do not hold a task %s", req.Task)
		}
		if err := t.reading(ctx, a, "task.evidence", "", person.ID(task.Candidate), task.Application); err != nil {
			return err
		}
		out.Competence = task.Competence
		if out.Indicators, err = t.taskIndicators(ctx, task); err != nil {
			return err
		}
		out.Items, out.Next, err = t.evidencePage(ctx, roundEvidence, task.Round, req.After)
		return err
	})
	return out, err
}

func (t tx) taskIndicators(ctx context.Context, task taskRow) ([]request.CaseIndicator, error) {
	std, err := t.standard(ctx, canon.Digest(task.Standard))
	if err != nil {
		return nil, err
	}
	ask, err := task.ask()
	if err != nil {
		return nil, err
	}
	var list []request.CaseIndicator
	for _, ids := range [][]catalogue.IndicatorID{ask.Asked, ask.Offered} {
		for _, id := range ids {
			st, _ := std.Statement(id)
			list = append(list, request.CaseIndicator{Indicator: id, Text: st.Text, Assessable: st.Assessable})
		}
	}
	return list, nil
}
