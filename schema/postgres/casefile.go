package postgres

import (
	"context"
	"fmt"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// CaseFile is a case as it goes into a case file. Receipt is set instead where the
// same request made one before.
type CaseFile struct {
	Receipt *request.Receipt
	File    casefile.File // but for Evidence: the bytes of files are not in the record
	Owner   person.ID     // under whose key the archive and the files lie
	Files   map[evidence.ItemID]canon.Digest
}

// makeCaseFile is what the act is called.
const makeCaseFile = "casefile.make"

// CaseFile assembles a case for a case file that key signs, from one snapshot of the
// record: the candidate their own, the council any, which is recorded. The case is
// as of now, and MakeCaseFile records it as of then.
//
// Unavailable while an act of the case is not sealed yet, Conflict when the candidate
// was erased, when key is not that of this record's logs, or when something that was
// sealed or recorded is not what it was.
func (s *Store) CaseFile(ctx context.Context, a Actor, req request.MakeCaseFile, key casefile.Key) (CaseFile, error) {
	for what, id := range map[string]string{"the request's id": req.ID, "an application's id": string(req.Application)} {
		if err := request.CheckID(what, id); err != nil {
			return CaseFile{}, err
		}
	}
	asked, err := askedFor(makeCaseFile, req)
	if err != nil {
		return CaseFile{}, err
	}
	receipt, err := s.receiptOf(ctx, a, req, req.Application, asked)
	if err != nil || receipt != nil {
		return CaseFile{Receipt: receipt}, err
	}
	var made CaseFile
	err = s.readRecorded(ctx, a, func(t tx) error {
		app, err := t.visible(ctx, a, req.Application)
		if err != nil {
			return err
		}
		owner := person.ID(app.Candidate)
		if err := t.reading(ctx, a, makeCaseFile, req.Purpose, owner, app.ID); err != nil {
			return err
		}
		made, err = t.assemble(ctx, app, key)
		return gone(err, owner)
	})
	return made, err
}

var insertCaseFile = statement(`
INSERT INTO case_file (id, application, person, address, size, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)

// MakeCaseFile records a case file that the caller has put into the candidate's
// store: a crash in between leaves a file that nothing refers to. The receipt is of
// the time that the case is as of. It names another archive where the same request
// made one meanwhile: then this one is the caller's to remove.
//
// The receipt and the log hold the archive's SHA-256. It says nothing once the archive
// is erased: there are salts in it that nobody can guess.
func (s *Store) MakeCaseFile(ctx context.Context, a Actor, req request.MakeCaseFile, made CaseFile, stored blob.Stored) (request.Receipt, error) {
	return s.actOn(ctx, a, makeCaseFile, req.Application, req, func(ctx context.Context, c *change) error {
		if a.Role != person.Council {
			if err := c.own(); err != nil {
				return err
			}
		}
		c.at = made.File.Case.ExportedAt
		c.receipt.Record = stored.Digest.String()
		id := newID()
		if _, err := c.ExecContext(ctx, insertCaseFile, id, c.app.ID, c.app.Candidate, stored.Address[:], stored.Size, a.ID, c.at); err != nil {
			return fmt.Errorf("case file %s: %w", id, err)
		}
		return c.recorded("case_file", id, row{
			"id": id, "application": c.app.ID, "person": c.app.Candidate, "address": stored.Address[:], "size": stored.Size,
			"actor": a.ID, "at": c.at,
		})
	})
}

var (
	ownCaseFile = statement(`
SELECT EXISTS (SELECT 1 FROM case_file c JOIN application a ON a.id = c.application WHERE a.candidate = $1 AND c.address = $2)
    OR EXISTS (SELECT 1 FROM prior_assessment WHERE person = $1 AND address = $2)`)
	caseFileOf = statement(`SELECT EXISTS (SELECT 1 FROM case_file WHERE application = $1 AND address = $2)`)
)

// CaseFileOwner says whose store a case file is in, for one who may read it: the
// candidate one of their own cases, also one that they brought, and the council one of
// an application that it names. It records that they read it, before they do.
func (s *Store) CaseFileOwner(ctx context.Context, a Actor, req request.ReadCaseFile) (person.ID, error) {
	var owner person.ID
	err := s.readRecorded(ctx, a, func(t tx) error {
		var there bool
		var err error
		if owner, there, err = t.caseFileOwner(ctx, a, req); err != nil {
			return err
		}
		if !there {
			return fault.NotFound.New("there is no case file %s that you may read", req.CaseFile)
		}
		return t.reading(ctx, a, "casefile.read", req.Purpose, owner, req.Application)
	})
	if err != nil {
		return "", err
	}
	return owner, nil
}

func (t tx) caseFileOwner(ctx context.Context, a Actor, req request.ReadCaseFile) (owner person.ID, there bool, err error) {
	if a.Role == person.Candidate {
		address, err := t.address(ctx, a.ID, req.CaseFile)
		if err != nil {
			return "", false, err
		}
		return a.ID, there, t.GetContext(ctx, &there, ownCaseFile, a.ID, address[:])
	}
	app, err := t.visible(ctx, a, req.Application)
	if err != nil {
		return "", false, err
	}
	owner = person.ID(app.Candidate)
	address, err := t.address(ctx, owner, req.CaseFile)
	if err != nil {
		return "", false, err
	}
	return owner, there, t.GetContext(ctx, &there, caseFileOf, app.ID, address[:])
}
