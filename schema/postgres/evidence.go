package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
INSERT INTO evidence_item (id, application, candidate, kind, digest, size, content, position, at, address)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	insertEvidenceLinks = statement(`
INSERT INTO evidence_link (item, application, competence, ordinal)
SELECT $1, $2, l.competence, l.ordinal FROM unnest($3::text[], $4::int[]) AS l (competence, ordinal)`)
	blobSize = statement(`SELECT COALESCE(max(size), -1) FROM blob WHERE person = $1 AND address = $2`)
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
	put, err := c.evidenceContent(ctx, id, sub)
	if err != nil {
		return err
	}
	position := c.record(events.EvidenceSubmitted{
		About: c.of(), Item: id, Kind: sub.Kind, Digest: put.digest, Indicators: sub.Indicators,
	})
	c.receipt.Record = string(id)
	if _, err := c.ExecContext(ctx, insertEvidence, id, c.app.ID, c.app.Candidate, sub.Kind,
		put.digest[:], put.size, put.content, position, c.at, put.address); err != nil {
		return fmt.Errorf("evidence %s: %w", id, err)
	}
	codes, ordinals := split(sub.Indicators)
	if _, err = c.ExecContext(ctx, insertEvidenceLinks, id, c.app.ID, pq.Array(codes), pq.Array(ordinals)); err != nil {
		return err
	}
	return c.recorded("evidence_item", string(id), row{
		"id": id, "application": c.app.ID, "candidate": c.app.Candidate, "kind": sub.Kind, "digest": put.digest, "size": put.size,
		"content": put.content, "address": put.address, "indicators": texts(slices.SortedFunc(slices.Values(sub.Indicators), compareIDs)),
		"position": position, "at": c.at,
	})
}

// content is a piece of evidence as the record keeps it.
type content struct {
	digest  canon.Digest // salted
	size    int64
	content []byte // sealed: the text, the link, or the SHA-256 of the file
	address []byte // of a file
}

// evidenceContent seals a text or link, or finds the file.
func (c *change) evidenceContent(ctx context.Context, id evidence.ItemID, sub evidence.Submission) (put content, err error) {
	plain := []byte(sub.Text + sub.Link) // Check saw to it that only one is set
	sum := canon.Sum(plain)
	put.size = int64(len(plain))
	if sub.Kind == evidence.File {
		plain, sum = sub.File[:], sub.File
		if put.address, put.size, err = c.file(ctx, sub.File); err != nil {
			return put, err
		}
	}
	salt, err := c.sealer(ctx).Salt(c.actor.ID, evidenceField(id))
	if err != nil {
		return put, gone(err, c.actor.ID)
	}
	put.digest = evidenceDigest(salt, sum)
	put.content, err = c.sealer(ctx).Seal(c.actor.ID, evidenceField(id), plain)
	return put, err
}

// file finds a file that the actor uploaded.
func (c *change) file(ctx context.Context, sum canon.Digest) (address []byte, size int64, err error) {
	at, err := c.address(ctx, c.actor.ID, sum)
	if err != nil {
		return nil, 0, err
	}
	if err := c.GetContext(ctx, &size, blobSize, c.actor.ID, at[:]); err != nil {
		return nil, 0, err
	}
	if size < 0 {
		return nil, 0, fault.NotFound.New("you have not uploaded a file with the SHA-256 %s; upload it first", sum)
	}
	return at[:], size, nil
}

// evidenceDigest is how evidence is named outside of its person's key: SHA-256 over
// the item's salt and the SHA-256 of its bytes. Whoever has the salt and the bytes
// can recompute it; once the salt is erased, nobody can guess what it was of.
func evidenceDigest(salt canon.Salt, sum canon.Digest) canon.Digest {
	return canon.SaltedSum(salt, sum[:])
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
  FROM evidence_item i LEFT JOIN blob b ON b.person = i.candidate AND b.address = i.address
 WHERE i.application = $1 AND i.position > $2 ORDER BY i.position LIMIT $3`)

// A page of evidence is as long as surely fits into one reply, as JSON.
const (
	evidencePageItems = 50
	evidencePageBytes = 512 << 10
)

// Evidence reads a page of an application's evidence, in the order it came.
func (s *Store) Evidence(ctx context.Context, a Actor, req request.EvidencePage) (request.EvidenceList, error) {
	var list request.EvidenceList
	err := s.readRecorded(ctx, a, func(t tx) error {
		app, err := t.visible(ctx, a, req.Application)
		if err != nil {
			return err
		}
		if err := t.reading(ctx, a, "case.evidence", "", person.ID(app.Candidate), app.ID); err != nil {
			return err
		}
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
		item, err := t.item(ctx, row)
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

func (t tx) item(ctx context.Context, row evidenceRow) (request.EvidenceItem, error) {
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
	plain, err := t.sealer(ctx).Open(row.Candidate, evidenceField(row.ID), row.Content)
	if erased(err) {
		item.Text = erasedText
		return item, nil
	}
	if err != nil {
		return item, fmt.Errorf("evidence %s: %w", row.ID, err)
	}
	return item, t.disclose(ctx, &item, row.Candidate, plain)
}

// disclose puts what was sealed into an item, with the salt that its digest can be
// recomputed with.
func (t tx) disclose(ctx context.Context, item *request.EvidenceItem, of person.ID, plain []byte) (err error) {
	if item.Salt, err = t.sealer(ctx).Salt(of, evidenceField(item.Item)); err != nil {
		return err
	}
	sum := canon.Sum(plain)
	switch item.Kind {
	case evidence.File:
		if len(plain) != len(sum) {
			return fmt.Errorf("evidence %s: its file is named by %d bytes", item.Item, len(plain))
		}
		sum = canon.Digest(plain)
		item.File = sum
	case evidence.Link:
		item.Link = string(plain)
	default:
		item.Text = string(plain)
	}
	if got := evidenceDigest(item.Salt, sum); got != item.Digest {
		return fmt.Errorf("evidence %s has the digest %s, not the recorded %s: it was changed", item.Item, got, item.Digest)
	}
	return nil
}
