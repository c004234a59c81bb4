package gateway

import (
	"context"
	"crypto/sha256"
	"io"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// makeCaseFile writes the archive beside the record, so that no transaction waits
// for the disk: the case as one snapshot has it, then the file in the candidate's
// store, then the row. It is written twice, once to know its SHA-256, which says
// where it lies, and once to keep it: no plain text touches the disk.
func (d *Door) makeCaseFile(ctx context.Context, a postgres.Actor, q request.MakeCaseFile) (request.Receipt, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return request.Receipt{}, err
	}
	if d.CaseFileKey.Signer == nil {
		return request.Receipt{}, fault.Conflict.New("this installation has no key for case files; its operator gives it one with --casefile-key")
	}
	made, err := d.Record.CaseFile(ctx, a, q, d.CaseFileKey)
	if err != nil {
		return request.Receipt{}, err
	}
	if made.Receipt != nil {
		return *made.Receipt, nil
	}
	done, err := d.heavy.begin(ctx)
	if err != nil {
		return request.Receipt{}, err
	}
	defer done()
	stored, err := d.writeCaseFile(ctx, made)
	if err != nil {
		return request.Receipt{}, err
	}
	receipt, err := d.Record.MakeCaseFile(ctx, a, q, made, stored)
	if err == nil && receipt.Record != stored.Digest.String() {
		// The same request made another meanwhile, and its receipt names that one.
		err = d.Blobs.Remove(made.Owner, stored.Digest)
	}
	return receipt, err
}

func (d *Door) writeCaseFile(ctx context.Context, made postgres.CaseFile) (blob.Stored, error) {
	file := made.File
	file.Evidence = func(e casefile.EvidenceItem) (io.ReadCloser, error) {
		if e.Kind == evidence.File {
			return d.Blobs.OpenFile(made.Owner, made.Files[e.ID])
		}
		return io.NopCloser(strings.NewReader(e.Text + e.Link)), nil
	}
	write := func(w io.Writer) error { return casefile.Write(whileAsked{ctx, w}, file, d.CaseFileKey.Signer) }
	sum, size := sha256.New(), counted(0)
	if err := write(io.MultiWriter(sum, &size)); err != nil {
		return blob.Stored{}, err
	}
	return d.Blobs.Write(made.Owner, blob.Announced{Size: int64(size), SHA256: canon.Digest(sum.Sum(nil))}, write)
}

// whileAsked writes until nobody waits for the answer any more.
type whileAsked struct {
	ctx context.Context //nolint:containedctx // a request's, and gone with it: a writer's methods take none
	w   io.Writer
}

func (a whileAsked) Write(b []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, fault.Unavailable.Because(err, "the case is too large to be written in time; ask again when less is going on")
	}
	return a.w.Write(b)
}

// counted counts what is written to it.
type counted int64

func (c *counted) Write(b []byte) (int, error) {
	*c += counted(len(b))
	return len(b), nil
}

func (d *Door) readCaseFile(ctx context.Context, a postgres.Actor, q request.ReadCaseFile) (fileBytes, error) {
	owner, err := d.Record.CaseFileOwner(ctx, a, q)
	if err != nil {
		return nil, err
	}
	return d.Blobs.Read(owner, q.CaseFile, q.Offset, readBytes)
}

// slots bounds how many at once do what takes much memory or time.
type slots chan struct{}

// begin waits for a slot. nil slots bound nothing.
func (s slots) begin(ctx context.Context) (done func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, fault.Unavailable.Because(ctx.Err(), "others are making and reading case files; ask again")
	}
}
