package postgres

import (
	"cmp"
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
)

var (
	insertRound = statement(`
INSERT INTO round (id, application, competence, number, asked, offered, position, at)
VALUES ($1, $2, $3, (SELECT count(*) + 1 FROM round WHERE application = $2 AND competence = $3), $4, $5, $6, $7)
RETURNING number`)
	freezeEvidence = statement(`
INSERT INTO round_evidence (round, item, competence, ordinal)
SELECT $1, l.item, l.competence, l.ordinal
  FROM evidence_link l JOIN unnest($3::text[], $4::int[]) AS w (competence, ordinal) USING (competence, ordinal)
 WHERE l.application = $2 RETURNING item || ' ' || competence || '/' || ordinal`)
	indicatorsWithEvidence = statement(`
SELECT DISTINCT competence || '/' || ordinal FROM evidence_link WHERE application = $1`)
)

// HandIn hands competences in. For each, a round is opened with what it asks and
// the evidence frozen as it is now; [events.CompetencesHandedIn] tells the
// workflow to open the assessment.
func (s *Store) HandIn(ctx context.Context, a Actor, req request.HandIn) (request.Receipt, error) {
	return s.actOn(ctx, a, "competence.hand-in", req.Application, req, func(ctx context.Context, c *change) error {
		if err := c.own(); err != nil {
			return err
		}
		if err := c.app.State.Allow(application.HandIn); err != nil {
			return err
		}
		asks, err := c.asks(ctx, req.Competences)
		if err != nil {
			return err
		}
		return c.openRounds(ctx, asks)
	})
}

// asks says what handing in each competence puts before an assessor, or why it
// cannot be handed in.
func (c *change) asks(ctx context.Context, codes []string) ([]assessment.Ask, error) {
	if len(codes) == 0 {
		return nil, fault.Invalid.New("name at least one competence to hand in, as in B.2.3")
	}
	std, _, err := c.rules(ctx, c.app)
	if err != nil {
		return nil, err
	}
	standing, err := c.standing(ctx, c.app)
	if err != nil {
		return nil, err
	}
	var supported []string
	if err := c.SelectContext(ctx, &supported, indicatorsWithEvidence, c.app.ID); err != nil {
		return nil, err
	}
	var asks []assessment.Ask
	for i, code := range codes {
		if slices.Contains(codes[:i], code) {
			return nil, fault.Invalid.New("%s is named twice", code)
		}
		ask, err := assessment.AskAbout(std, code, standing)
		if err != nil {
			return nil, err
		}
		if err := mayHandIn(ask, standing.Competences[code], supported); err != nil {
			return nil, err
		}
		asks = append(asks, ask)
	}
	return asks, nil
}

func mayHandIn(ask assessment.Ask, stands assessment.CompetenceStanding, supported []string) error {
	switch {
	case stands.UnderAssessment:
		return fault.Conflict.New("%s is with an assessor already", ask.Competence)
	case stands.RoundsLeft <= 0:
		return fault.Conflict.New("%s was handed in as often as the procedure allows", ask.Competence)
	}
	for _, id := range ask.Asked {
		if id.Competence == ask.Competence && !slices.Contains(supported, id.String()) {
			return fault.Invalid.New("there is no evidence for %s yet; put some forward before you hand in %s", id, ask.Competence)
		}
	}
	return nil
}

func (c *change) openRounds(ctx context.Context, asks []assessment.Ask) error {
	std, _, err := c.rules(ctx, c.app)
	if err != nil {
		return err
	}
	position := c.app.Position + 1 // of the fact below: the rounds stand where it stands
	handedIn := events.CompetencesHandedIn{About: c.of()}
	for _, ask := range asks {
		id := assessment.RoundID(newID())
		var number int
		if err := c.GetContext(ctx, &number, insertRound, id, c.app.ID, ask.Competence,
			pq.Array(texts(ask.Asked)), pq.Array(texts(ask.Offered)), position, c.at); err != nil {
			return fmt.Errorf("round for %s: %w", ask.Competence, err)
		}
		// The competence's own evidence is frozen also where only recurring indicators
		// are asked: it is the context that they are seen in.
		own, _, _ := std.Competence(ask.Competence)
		codes, ordinals := split(slices.Compact(slices.SortedFunc(slices.Values(slices.Concat(own.Assessable(), ask.Asked, ask.Offered)), compareIDs)))
		frozen := []string{}
		if err := c.SelectContext(ctx, &frozen, freezeEvidence, id, c.app.ID, pq.Array(codes), pq.Array(ordinals)); err != nil {
			return fmt.Errorf("freezing the evidence of round %s: %w", id, err)
		}
		slices.Sort(frozen)
		if err := c.recorded("round", string(id), row{
			"id": id, "application": c.app.ID, "competence": ask.Competence, "number": number, "asked": texts(ask.Asked),
			"offered": texts(ask.Offered), "evidence": frozen, "position": position, "at": c.at,
		}); err != nil {
			return err
		}
		handedIn.Rounds = append(handedIn.Rounds, events.Round{Round: id, Competence: ask.Competence, Number: number})
		c.receipt.Records = append(c.receipt.Records, string(id))
	}
	c.record(handedIn)
	c.app.State = application.Assessing
	c.receipt.Record = c.receipt.Records[0]
	return nil
}

func compareIDs(a, b catalogue.IndicatorID) int {
	return cmp.Or(cmp.Compare(a.Competence, b.Competence), cmp.Compare(a.Ordinal, b.Ordinal))
}

// texts writes identities as the record keeps lists of them; never nil, because
// the columns are not null.
func texts(ids []catalogue.IndicatorID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out
}

func parseIDs(texts []string) ([]catalogue.IndicatorID, error) {
	var ids []catalogue.IndicatorID
	for _, text := range texts {
		id, err := catalogue.ParseIndicatorID(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
