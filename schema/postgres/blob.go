package postgres

import (
	"context"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	insertBlob = statement(`
INSERT INTO blob (person, digest, size, media_type, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, digest) DO NOTHING`)
	fileInApplication = statement(`
SELECT EXISTS (SELECT 1 FROM evidence_item WHERE application = $1 AND digest = $2 AND kind = 'file')`)
	fileInTask = statement(`
SELECT COALESCE((SELECT i.candidate FROM task t JOIN round_evidence e ON e.round = t.round JOIN evidence_item i ON i.id = e.item
  WHERE t.id = $1 AND t.assessor = $2 AND t.state = 'claimed' AND i.digest = $3 AND i.kind = 'file' LIMIT 1), '')`)
)

// CommitUpload records that a file is in the candidate's store, where the caller
// has put it before: a crash in between leaves a file that nothing refers to, and
// the same request again records it. What was recorded once stays as it was.
func (s *Store) CommitUpload(ctx context.Context, a Actor, req request.CommitUpload, file blob.Stored) (request.Receipt, error) {
	return s.act(ctx, a, "blob.commit", "", req, func(ctx context.Context, c *change) error {
		c.receipt.Record = file.Digest.String()
		_, err := c.ExecContext(ctx, insertBlob, a.ID, file.Digest[:], file.Size, file.MediaType, c.at)
		return err
	})
}

// FileOwner says whose store a file is in, for one who may read it: the candidate
// of the application, the committee, and an assessor as long as they hold a task
// that it was frozen for.
func (s *Store) FileOwner(ctx context.Context, a Actor, req request.ReadFile) (person.ID, error) {
	var owner person.ID
	err := s.read(ctx, a, func(t tx) error {
		if a.Role == person.Assessor {
			if err := request.CheckID("a task's id", string(req.Task)); err != nil {
				return err
			}
			if err := t.GetContext(ctx, &owner, fileInTask, req.Task, a.ID, req.File[:]); err != nil {
				return err
			}
		} else {
			app, err := t.visible(ctx, a, req.Application)
			if err != nil {
				return err
			}
			var there bool
			if err := t.GetContext(ctx, &there, fileInApplication, req.Application, req.File[:]); err != nil {
				return err
			}
			if there {
				owner = person.ID(app.Candidate)
			}
		}
		if owner == "" {
			return fault.NotFound.New("there is no file %s there that you may read", req.File)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("file %s: %w", req.File, err)
	}
	return owner, nil
}
