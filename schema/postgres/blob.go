package postgres

import (
	"context"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

var (
	insertBlob = statement(`
INSERT INTO blob (person, address, size, media_type, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, address) DO NOTHING`)
	fileInApplication = statement(`
SELECT EXISTS (SELECT 1 FROM evidence_item WHERE application = $1 AND address = $2)`)
	heldTaskOf = statement(`SELECT candidate, application FROM task WHERE id = $1 AND assessor = $2 AND state = 'claimed'`)
	fileInTask = statement(`
SELECT EXISTS (SELECT 1 FROM task t JOIN round_evidence e ON e.round = t.round JOIN evidence_item i ON i.id = e.item
  WHERE t.id = $1 AND i.address = $2)`)
)

// CommitUpload records that a file is in the candidate's store, where the caller
// has put it before: a crash in between leaves a file that nothing refers to, and
// the same request again records it. What was recorded once stays as it was.
func (s *Store) CommitUpload(ctx context.Context, a Actor, req request.CommitUpload, file blob.Stored) (request.Receipt, error) {
	return s.act(ctx, a, "blob.commit", "", req, func(ctx context.Context, c *change) error {
		address := file.Address
		c.receipt.Record = address.String() // the SHA-256 would tell for ever who has which file
		res, err := c.ExecContext(ctx, insertBlob, a.ID, address[:], file.Size, file.MediaType, c.at)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return c.recorded("blob", string(a.ID)+"/"+address.String(), row{
			"person": a.ID, "address": address[:], "size": file.Size, "media_type": file.MediaType, "at": c.at,
		})
	})
}

// address is where a person's file with that SHA-256 stands.
func (t tx) address(ctx context.Context, p person.ID, file canon.Digest) (canon.Salt, error) {
	address, err := t.sealer(ctx).Salt(p, blob.Record(file))
	return address, gone(err, p)
}

// FileOwner says whose store a file is in, for one who may read it: the candidate
// of the application, the committee, and an assessor as long as they hold a task
// that it was frozen for. It records that they read it, before they do.
func (s *Store) FileOwner(ctx context.Context, a Actor, req request.ReadFile) (person.ID, error) {
	var owner person.ID
	err := s.readRecorded(ctx, a, func(t tx) error {
		find := t.applicationFile
		if a.Role == person.Assessor {
			find = t.taskFile
		}
		of, app, there, err := find(ctx, a, req)
		if err == nil && !there {
			return fault.NotFound.New("there is no file %s there that you may read", req.File)
		}
		if err != nil {
			return err
		}
		owner = of
		return t.reading(ctx, a, "file.read", "", of, app)
	})
	if err != nil {
		return "", fmt.Errorf("reading a file: %w", err) // its SHA-256 may be asked for, and goes into no log
	}
	return owner, nil
}

// taskFile says whether a file was frozen for a task that the actor holds.
func (t tx) taskFile(ctx context.Context, a Actor, req request.ReadFile) (owner person.ID, app application.ID, there bool, err error) {
	if err := request.CheckID("a task's id", string(req.Task)); err != nil {
		return "", "", false, err
	}
	var task struct {
		Candidate   person.ID
		Application application.ID
	}
	missing, err := noRows(t.GetContext(ctx, &task, heldTaskOf, req.Task, a.ID))
	if err != nil || missing {
		return "", "", false, err
	}
	address, err := t.address(ctx, task.Candidate, req.File)
	if err != nil {
		return "", "", false, err
	}
	return task.Candidate, task.Application, there, t.GetContext(ctx, &there, fileInTask, req.Task, address[:])
}

// applicationFile says whether a file is evidence in an application that the actor
// may see.
func (t tx) applicationFile(ctx context.Context, a Actor, req request.ReadFile) (owner person.ID, of application.ID, there bool, err error) {
	app, err := t.visible(ctx, a, req.Application)
	if err != nil {
		return "", "", false, err
	}
	owner = person.ID(app.Candidate)
	address, err := t.address(ctx, owner, req.File)
	if err != nil {
		return "", "", false, err
	}
	return owner, app.ID, there, t.GetContext(ctx, &there, fileInApplication, req.Application, address[:])
}
