package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	currentProposal = statement(`
SELECT p.id, p.outcome, p.due_at, p.at FROM proposal p WHERE p.application = $1 ORDER BY p.number DESC LIMIT 1`)
	insertProposal = statement(`
INSERT INTO proposal (id, application, number, outcome, basis, due_at, position, at)
VALUES ($1, $2, (SELECT count(*) + 1 FROM proposal WHERE application = $2), $3, $4, $5, $6, $7) RETURNING number`)
	verdictIDs = statement(`SELECT id FROM verdict WHERE application = $1 ORDER BY position, id`)
)

type proposalRow struct {
	ID      award.ProposalID
	Outcome award.Outcome
	DueAt   time.Time `db:"due_at"`
	At      time.Time
}

// ProposeAward puts a proposal before the committee, if the rules still say so
// under the application's lock, and returns when a decision is due. A case that
// has its proposal keeps it: the state seen under the lock makes a second call
// harmless.
func (s *Store) ProposeAward(ctx context.Context, app application.ID) (time.Time, error) {
	var due time.Time
	err := s.systemAct(ctx, "award.propose", app, "propose", func(ctx context.Context, c *change) error {
		if c.app.State == application.Gathering {
			if err := c.propose(ctx); err != nil {
				return err
			}
		}
		var err error
		due, err = c.nextDue(ctx)
		return err
	})
	return due, err
}

func (c *change) propose(ctx context.Context) error {
	std, proc, err := c.rules(ctx, c.app)
	if err != nil {
		return err
	}
	standing, err := c.standing(ctx, c.app)
	if err != nil {
		return err
	}
	outcome := award.Propose(std, standing)
	if outcome == "" {
		return nil
	}
	basis, err := c.basis(ctx)
	if err != nil {
		return err
	}
	id, due := award.ProposalID(newID()), proc.DecisionDue(c.at)
	position := c.record(events.AwardProposed{About: c.of(), Proposal: id, Outcome: outcome, Basis: basis, DueAt: due})
	c.app.State = application.Proposed
	c.object = string(id)
	var number int
	if err := c.GetContext(ctx, &number, insertProposal, id, c.app.ID, outcome, basis[:], due, position, c.at); err != nil {
		return err
	}
	return c.recorded("proposal", string(id), row{
		"id": id, "application": c.app.ID, "number": number, "outcome": outcome, "basis": basis, "due_at": due, "position": position, "at": c.at,
	})
}

// basis is the digest of the verdicts that a proposal rests on.
func (c *change) basis(ctx context.Context) (canon.Digest, error) {
	var verdicts []string
	if err := c.SelectContext(ctx, &verdicts, verdictIDs, c.app.ID); err != nil {
		return canon.Digest{}, err
	}
	return canon.DigestOf(verdicts)
}

var (
	assessedHere   = statement(`SELECT EXISTS (SELECT 1 FROM verdict WHERE application = $1 AND assessor = $2)`)
	insertDecision = statement(`
INSERT INTO decision (id, application, proposal, outcome, member, reviewed, grounds, legal_basis, unmet, reasons, returned,
                      standard, procedure, position, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`)
)

// Decide is the committee's act on the proposal before it. Who judged anything in
// the application, or is its candidate, does not decide on it (ISO/IEC 17024
// 9.4; domain.md 1.2): checked here, on the act. [events.AwardDecided] tells the
// workflow to go on.
func (s *Store) Decide(ctx context.Context, a Actor, req request.Decide) (request.Receipt, error) {
	return s.actOn(ctx, a, "decision.make", req.Application, req, func(ctx context.Context, c *change) error {
		if err := c.app.State.Allow(application.Decide); err != nil {
			return err
		}
		if err := c.mayDecide(ctx, req); err != nil {
			return err
		}
		std, proc, err := c.rules(ctx, c.app)
		if err != nil {
			return err
		}
		standing, err := c.standing(ctx, c.app)
		if err != nil {
			return err
		}
		d := award.Decision{
			Outcome: req.Outcome, Reviewed: req.Reviewed, Grounds: req.Grounds, LegalBasis: req.LegalBasis, Returned: req.Returned,
		}
		for _, r := range req.Reasons {
			d.Reasons = append(d.Reasons, award.Reason(r))
		}
		if err := d.Check(std, proc, standing); err != nil {
			return err
		}
		return c.addDecision(ctx, req.Proposal, d)
	})
}

func (c *change) mayDecide(ctx context.Context, req request.Decide) error {
	if person.ID(c.app.Candidate) == c.actor.ID {
		return fault.Forbidden.New("nobody decides on their own application")
	}
	var assessed bool
	if err := c.GetContext(ctx, &assessed, assessedHere, c.app.ID, c.actor.ID); err != nil {
		return err
	}
	if assessed {
		return fault.Forbidden.New("who assessed in an application does not decide on it")
	}
	var current proposalRow
	if err := c.GetContext(ctx, &current, currentProposal, c.app.ID); err != nil {
		return err
	}
	if current.ID != req.Proposal {
		return fault.Conflict.New("the proposal before the committee is %s, not %.60q", current.ID, req.Proposal)
	}
	return nil
}

// stateAfter says where a decision leaves the case.
var stateAfter = map[award.Outcome]application.State{
	award.Award:  application.Awarded,
	award.Refuse: application.Refused,
	award.Return: application.Gathering,
}

func (c *change) addDecision(ctx context.Context, proposal award.ProposalID, d award.Decision) error {
	id := award.DecisionID(newID())
	candidate := person.ID(c.app.Candidate)
	grounds, err := c.sealer(ctx).Seal(candidate, decisionField(id), []byte(d.Grounds))
	if err != nil {
		return err
	}
	unmet, reasons := []string{}, pq.ByteaArray{}
	for _, r := range d.Reasons {
		sealed, err := c.sealer(ctx).Seal(candidate, reasonField(id, r.Indicator), []byte(r.Reason))
		if err != nil {
			return err
		}
		unmet, reasons = append(unmet, r.Indicator.String()), append(reasons, sealed)
	}
	returned := append([]string{}, d.Returned...)
	position := c.record(events.AwardDecided{
		About: c.of(), Proposal: proposal, Decision: id, Outcome: d.Outcome, Returned: d.Returned,
	})
	c.app.State = stateAfter[d.Outcome]
	c.receipt.Record = string(id)
	_, err = c.ExecContext(ctx, insertDecision, id, c.app.ID, proposal, d.Outcome, c.actor.ID, d.Reviewed, grounds, d.LegalBasis,
		pq.Array(unmet), reasons, pq.Array(returned), c.app.Standard, c.app.Procedure, position, c.at)
	if err != nil {
		return fmt.Errorf("decision on %s: %w", proposal, err)
	}
	return c.recorded("decision", string(id), row{
		"id": id, "application": c.app.ID, "proposal": proposal, "outcome": d.Outcome, "member": c.actor.ID, "reviewed": d.Reviewed,
		"grounds": grounds, "legal_basis": d.LegalBasis, "unmet": unmet, "reasons": reasons, "returned": returned,
		"standard": c.app.Standard, "procedure": c.app.Procedure, "position": position, "at": c.at,
	})
}

func decisionField(id award.DecisionID) string { return "decision." + string(id) }

func reasonField(id award.DecisionID, indicator catalogue.IndicatorID) string {
	return decisionField(id) + "." + indicator.String()
}

// noRows turns "no such row" into a nil, for readings where there may be none.
func noRows(err error) (missing bool, other error) {
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}
