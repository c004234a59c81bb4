package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/events"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	insertEvidence = statement(`
INSERT INTO evidence_item (id, application, candidate, kind, digest, size, content, position, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	insertEvidenceLinks = statement(`
INSERT INTO evidence_link (item, application, competence, ordinal)
SELECT $1, $2, l.competence, l.ordinal FROM unnest($3::text[], $4::int[]) AS l (competence, ordinal)`)
	blobSize = statement(`SELECT COALESCE(max(size), -1) FROM blob WHERE person = $1 AND digest = $2`)
)

// SubmitEvidence puts one piece of evidence forward for one or many indicators:
// the item, its links, the audit row, [events.EvidenceSubmitted] and the receipt
// in one transaction. A file must be in the candidate's own store already.
func (s *Store) SubmitEvidence(ctx context.Context, a Actor, req request.SubmitEvidence) (request.Receipt, error) {
	return s.actOn(ctx, a, "evidence.submit", req.Application, req, func(ctx context.Context, c *change) error {
		if err := c.own(); err != nil {
			return err
		}
		if err := c.app.State.Allow(application.SubmitEvidence); err != nil {
			return err
		}
		std, _, err := c.rules(ctx, c.app)
		if err != nil {
			return err
		}
		sub := evidence.Submission{Kind: req.Kind, Text: req.Text, Link: req.Link, Indicators: req.Indicators}
		if req.File != nil {
			sub.File = *req.File
		}
		if err := sub.Check(std, s.limits); err != nil {
			return err
		}
		return c.addEvidence(ctx, sub)
	})
}

func (c *change) addEvidence(ctx context.Context, sub evidence.Submission) error {
	id := evidence.ItemID(newID())
	digest, size, content, err := c.evidenceContent(ctx, id, sub)
	if err != nil {
		return err
	}
	position := c.record(events.EvidenceSubmitted{
		About: c.about(), Item: id, Kind: sub.Kind, Digest: digest, Indicators: sub.Indicators,
	})
	c.receipt.Record = string(id)
	if _, err := c.ExecContext(ctx, insertEvidence, id, c.app.ID, c.app.Candidate, sub.Kind,
		digest[:], size, content, position, c.at); err != nil {
		return fmt.Errorf("evidence %s: %w", id, err)
	}
	codes, ordinals := split(sub.Indicators)
	_, err = c.ExecContext(ctx, insertEvidenceLinks, id, c.app.ID, pq.Array(codes), pq.Array(ordinals))
	return err
}

// evidenceContent seals a text or link, or finds the file. content is nil for a file.
func (c *change) evidenceContent(ctx context.Context, id evidence.ItemID, sub evidence.Submission) (canon.Digest, int64, []byte, error) {
	if sub.Kind == evidence.File {
		var size int64
		if err := c.GetContext(ctx, &size, blobSize, c.actor.ID, sub.File[:]); err != nil {
			return canon.Digest{}, 0, nil, err
		}
		if size < 0 {
			return canon.Digest{}, 0, nil, fault.NotFound.New("you have not uploaded a file with the SHA-256 %s; upload it first", sub.File)
		}
		return sub.File, size, nil, nil
	}
	plain := sub.Text + sub.Link // Check saw to it that only one is set
	content, err := c.s.seal.Seal(c.actor.ID, evidenceField(id), []byte(plain))
	return canon.Sum([]byte(plain)), int64(len(plain)), content, err
}

func evidenceField(id evidence.ItemID) string { return "evidence." + string(id) }

// split turns identities into the two columns that PostgreSQL takes.
func split(ids []catalogue.IndicatorID) (codes []string, ordinals []int64) {
	for _, id := range ids {
		codes = append(codes, id.Competence)
		ordinals = append(ordinals, int64(id.Ordinal))
	}
	return codes, ordinals
}

type evidenceRow struct {
	ID        evidence.ItemID `db:"id"`
	Candidate person.ID       `db:"candidate"`
	Kind      evidence.Kind   `db:"kind"`
	Digest    []byte          `db:"digest"`
	Size      int64           `db:"size"`
	Content   []byte          `db:"content"`
	MediaType string          `db:"media_type"`
	For       pq.StringArray  `db:"indicators"`
	Position  int             `db:"position"`
	At        time.Time       `db:"at"`
}

var evidenceOfApplication = statement(`
SELECT i.id, i.candidate, i.kind, i.digest, i.size, i.content, i.position, i.at,
       COALESCE(b.media_type, '') AS media_type,
       (SELECT array_agg(l.competence || '/' || l.ordinal ORDER BY l.competence, l.ordinal)
          FROM evidence_link l WHERE l.item = i.id) AS indicators
  FROM evidence_item i LEFT JOIN blob b ON b.person = i.candidate AND b.digest = i.digest AND i.kind = 'file'
 WHERE i.application = $1 AND i.position > $2 ORDER BY i.position LIMIT $3`)

// A page of evidence is as long as surely fits into one reply, as JSON.
const (
	evidencePageItems = 50
	evidencePageBytes = 512 << 10
)

// Evidence reads a page of an application's evidence, in the order it came.
func (s *Store) Evidence(ctx context.Context, a Actor, req request.EvidencePage) (request.EvidenceList, error) {
	var list request.EvidenceList
	err := s.read(ctx, a, func(t tx) error {
		if _, err := t.visible(ctx, a, req.Application); err != nil {
			return err
		}
		var err error
		list.Items, list.Next, err = t.evidencePage(ctx, evidenceOfApplication, req.Application, req.After)
		return err
	})
	return list, err
}

// evidencePage reads what fits into one reply, of the application or the round
// that of names, and says after which position to ask for more (0 for no more).
func (t tx) evidencePage(ctx context.Context, query string, of any, after int) (items []request.EvidenceItem, next int, err error) {
	var rows []evidenceRow
	if err := t.SelectContext(ctx, &rows, query, of, after, evidencePageItems+1); err != nil {
		return nil, 0, err
	}
	items, bytes := []request.EvidenceItem{}, 0
	for i, row := range rows {
		item, err := t.item(row)
		if err != nil {
			return nil, 0, err
		}
		written, err := json.Marshal(item) // "<" takes six bytes there
		if err != nil {
			return nil, 0, err
		}
		if bytes += len(written); i == evidencePageItems || (i > 0 && bytes > evidencePageBytes) {
			return items, rows[i-1].Position, nil
		}
		items = append(items, item)
	}
	return items, 0, nil
}

func (t tx) item(row evidenceRow) (request.EvidenceItem, error) {
	item := request.EvidenceItem{
		Item: row.ID, Kind: row.Kind, Digest: canon.Digest(row.Digest), Size: row.Size,
		MediaType: row.MediaType, Position: row.Position, At: row.At.UTC(),
	}
	for _, s := range row.For {
		id, err := catalogue.ParseIndicatorID(s)
		if err != nil {
			return item, err
		}
		item.Indicators = append(item.Indicators, id)
	}
	if row.Kind == evidence.File {
		return item, nil
	}
	plain, err := t.s.seal.Open(row.Candidate, evidenceField(row.ID), row.Content)
	if err != nil {
		return item, fmt.Errorf("evidence %s: %w", row.ID, err)
	}
	if got := canon.Sum(plain); got != item.Digest {
		return item, fmt.Errorf("evidence %s has the digest %s, not the recorded %s: it was changed", row.ID, got, item.Digest)
	}
	if row.Kind == evidence.Link {
		item.Link = string(plain)
	} else {
		item.Text = string(plain)
	}
	return item, nil
}
