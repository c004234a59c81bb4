package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/prose"
	"github.com/kutse-dev/kutse/schema/sample"
)

var (
	insertSample = statement(`INSERT INTO sample (id, actor, title, seed, commitment, at) VALUES ($1, $2, $3, $4, $5, $6)`)
	getSample    = statement(`SELECT id, actor, title, seed, commitment, at FROM sample WHERE id = $1::uuid`)
	insertDraw   = statement(`
INSERT INTO sample_draw (sample, actor, seed, standard, since, until, size, population, digest, cases, at)
VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, $7, $8, $9, $10::uuid[], $11)`)
	getDraw = statement(`
SELECT actor, seed, COALESCE(standard, '') AS standard, since, until, size, population, digest, cases, at FROM sample_draw WHERE sample = $1::uuid`)
	// Every application is opened once and for ever, so the same period has the same
	// population at any time.
	populationOf = statement(`
SELECT a.id FROM application a
 WHERE a.opened_at >= $1 AND a.opened_at < $2 AND ($3 = '' OR a.standard IN (SELECT digest FROM standard WHERE key = $3))
   AND ($4 = '' OR a.id > NULLIF($4, '')::uuid)
 ORDER BY a.id LIMIT $5`)
)

const (
	maxTitle      = 200       // bytes
	maxSample     = 1000      // cases, all of which stand in one reply
	maxPopulation = 1_000_000 // cases; more are drawn a period at a time
	membersPage   = 2000
)

// opening is how long an act may take: an application that was opened longer ago is
// in the record.
const opening = time.Minute

func sampleTitle(id string) string { return "sample.title." + id }

func sampleSeed(id string) string { return "sample.seed." + id }

// CommitSample makes a seed and records its commitment, the SHA-256 of the seed,
// before there are the cases to draw from. Seed and title are sealed under the
// actor's key; nobody sees the seed until it draws.
func (s *Store) CommitSample(ctx context.Context, a Actor, req request.CommitSample) (request.Receipt, error) {
	return s.act(ctx, a, "sample.commit", "", req, func(ctx context.Context, c *change) error {
		if err := prose.Check("the title", req.Title, maxTitle); err != nil {
			return err
		}
		var seed sample.Seed
		if _, err := rand.Read(seed[:]); err != nil {
			return fmt.Errorf("making a seed: %w", err)
		}
		id := newID()
		title, err := c.sealer(ctx).Seal(a.ID, sampleTitle(id), []byte(req.Title))
		if err != nil {
			return gone(err, a.ID)
		}
		sealed, err := c.sealer(ctx).Seal(a.ID, sampleSeed(id), seed[:])
		if err != nil {
			return gone(err, a.ID)
		}
		commitment := seed.Commitment()
		if _, err := c.ExecContext(ctx, insertSample, id, a.ID, title, sealed, commitment[:], c.at); err != nil {
			return err
		}
		c.receipt.Record = id
		return c.recorded("sample", id, row{
			"id": id, "actor": a.ID, "title": title, "seed": sealed, "commitment": commitment, "at": c.at,
		})
	})
}

// DrawSample discloses the seed of a sample and draws it from the applications that
// were opened in a period after the commitment, of one standard or of all. A sample
// is drawn once: after that its seed is no secret. What was drawn, and the digest of
// what it was drawn from, are in the record, and so in the log.
func (s *Store) DrawSample(ctx context.Context, a Actor, req request.DrawSample) (request.Receipt, error) {
	return s.act(ctx, a, "sample.draw", "", req, func(ctx context.Context, c *change) error {
		if _, err := c.ExecContext(ctx, lockRequest, "sample", req.Sample); err != nil { // two who draw at once do it one after the other
			return err
		}
		sm, err := c.sample(ctx, req.Sample)
		if err != nil {
			return err
		}
		req.From, req.To = req.From.UTC().Truncate(time.Microsecond), req.To.UTC().Truncate(time.Microsecond)
		if err := c.mayDraw(ctx, sm, req); err != nil {
			return err
		}
		seed, err := c.seed(ctx, sm)
		if err != nil {
			return err
		}
		ids, err := c.population(ctx, req.From, req.To, req.Standard, "", maxPopulation+1)
		if err != nil {
			return err
		}
		if len(ids) > maxPopulation {
			return fault.Invalid.New("there are more than %d cases; draw from a shorter period or from one standard", maxPopulation)
		}
		drawn, err := seed.Draw(ids, req.Size)
		if err != nil {
			return err
		}
		return c.addDraw(ctx, req, seed, ids, drawn)
	})
}

type sampleRow struct {
	ID         string
	Actor      person.ID
	Title      []byte
	Seed       []byte
	Commitment []byte
	At         time.Time
}

func (t tx) sample(ctx context.Context, id string) (sampleRow, error) {
	var sm sampleRow
	if err := request.CheckID("a sample's id", id); err != nil {
		return sm, err
	}
	missing, err := noRows(t.GetContext(ctx, &sm, getSample, id))
	if missing {
		return sm, fault.NotFound.New("there is no sample %s", id)
	}
	return sm, err
}

// mayDraw says what stands against drawing.
func (c *change) mayDraw(ctx context.Context, sm sampleRow, req request.DrawSample) error {
	switch {
	case req.Size < 1 || req.Size > maxSample:
		return fault.Invalid.New("a sample has 1 to %d cases, not %d", maxSample, req.Size)
	case !req.From.Before(req.To):
		return fault.Invalid.New("the period ends after it begins")
	case req.From.Before(sm.At):
		return fault.Invalid.New("the period begins at %s or later, when the seed was committed to: the cases before it were known then", sm.At.UTC().Format(time.RFC3339Nano))
	case req.To.After(c.at.Add(-opening)):
		return fault.Invalid.New("the period is over for a minute at least, so that no case can join it: draw later, or until %s", c.at.Add(-opening).Format(time.RFC3339))
	}
	if req.Standard != "" {
		if _, _, err := c.currentStandard(ctx, req.Standard); err != nil {
			return err
		}
	}
	var before drawRow
	missing, err := noRows(c.GetContext(ctx, &before, getDraw, sm.ID))
	if err == nil && !missing {
		return fault.Conflict.New("sample %s was drawn at %s; commit to another for another draw", sm.ID, before.At.UTC().Format(time.RFC3339))
	}
	return err
}

// seed opens the seed of a sample, and checks it against its commitment.
func (t tx) seed(ctx context.Context, sm sampleRow) (seed sample.Seed, err error) {
	plain, err := t.sealer(ctx).Open(sm.Actor, sampleSeed(sm.ID), sm.Seed)
	if err != nil {
		return seed, gone(err, sm.Actor)
	}
	if len(plain) != len(seed) {
		return seed, fmt.Errorf("sample %s: its seed has %d bytes", sm.ID, len(plain))
	}
	seed = sample.Seed(plain)
	if got := seed.Commitment(); got != canon.Digest(sm.Commitment) {
		return seed, fmt.Errorf("sample %s: its seed has the commitment %s, not the recorded one: it was changed", sm.ID, got)
	}
	return seed, nil
}

func (t tx) population(ctx context.Context, from, to time.Time, standard, after string, limit int) (ids []string, err error) {
	return ids, t.SelectContext(ctx, &ids, populationOf, from, to, standard, after, limit)
}

func (c *change) addDraw(ctx context.Context, req request.DrawSample, seed sample.Seed, population []string, drawn []sample.Drawn) error {
	cases := make([]string, len(drawn))
	for i, d := range drawn {
		cases[i] = d.ID
	}
	digest := sample.Population(population)
	if _, err := c.ExecContext(ctx, insertDraw, req.Sample, c.actor.ID, seed[:], req.Standard, req.From, req.To, req.Size,
		len(population), digest[:], pq.Array(cases), c.at); err != nil {
		return err
	}
	c.receipt.Record = req.Sample
	r := row{
		"sample": req.Sample, "actor": c.actor.ID, "seed": seed[:], "since": req.From, "until": req.To, "size": req.Size,
		"population": len(population), "digest": digest, "cases": cases, "at": c.at,
	}
	if req.Standard != "" {
		r["standard"] = req.Standard
	}
	return c.recorded("sample_draw", req.Sample, r)
}

type drawRow struct {
	Actor      person.ID
	Seed       []byte
	Standard   string
	Since      time.Time
	Until      time.Time
	Size       int
	Population int
	Digest     []byte
	Cases      pq.StringArray
	At         time.Time
}

// Sample reads a sample: its commitment, and once it is drawn the seed, the cases
// with their scores and a page of what it was drawn from. That is all that anybody
// needs to draw it again (schema/sample).
func (s *Store) Sample(ctx context.Context, a Actor, req request.OfSample) (request.Sample, error) {
	var out request.Sample
	if req.After != "" {
		if err := request.CheckID("after, the next of the page before,", req.After); err != nil {
			return out, err
		}
	}
	err := s.read(ctx, a, func(t tx) error {
		sm, err := t.sample(ctx, req.Sample)
		if err != nil {
			return err
		}
		title, err := t.text(ctx, sm.Actor, sampleTitle(sm.ID), sm.Title)
		if err != nil {
			return err
		}
		out = request.Sample{Sample: sm.ID, Title: title, By: sm.Actor, Commitment: canon.Digest(sm.Commitment), At: sm.At.UTC()}
		out.Drawn, err = t.draw(ctx, sm, req.After)
		return err
	})
	return out, err
}

// draw reads how a sample was drawn; nil where it is not.
func (t tx) draw(ctx context.Context, sm sampleRow, after string) (*request.SampleDraw, error) {
	var row drawRow
	missing, err := noRows(t.GetContext(ctx, &row, getDraw, sm.ID))
	if err != nil || missing {
		return nil, err
	}
	d := &request.SampleDraw{
		Seed: sample.Seed(row.Seed), At: row.At.UTC(), By: row.Actor, Standard: row.Standard, From: row.Since.UTC(), To: row.Until.UTC(),
		Size: row.Size, Cases: []request.SampledCase{}, Population: row.Population, PopulationDigest: canon.Digest(row.Digest), Members: []application.ID{},
	}
	for _, id := range row.Cases {
		d.Cases = append(d.Cases, request.SampledCase{Application: application.ID(id), Score: d.Seed.Score(id)})
	}
	ids, err := t.population(ctx, row.Since, row.Until, row.Standard, after, membersPage)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		d.Members = append(d.Members, application.ID(id))
	}
	if len(ids) == membersPage {
		d.Next = ids[membersPage-1]
	}
	return d, nil
}
