package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// readBytes is how many bytes of a file one reply carries.
const readBytes = 512 << 10

// fileBytes is a reply that is not JSON.
type fileBytes []byte

func wire(u blob.Upload) request.Upload {
	return request.Upload{Upload: string(u.ID), ChunkBytes: u.ChunkBytes, Offset: u.Offset}
}

// Files are taken beside the record, so each of these asks the record first who
// the asker is: the subject says a role that anybody can write there.

func (d *Door) openUpload(ctx context.Context, a postgres.Actor, q request.OpenUpload) (request.Upload, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return request.Upload{}, err
	}
	u, err := d.Blobs.Begin(a.ID, blob.Announced{Size: q.Size, SHA256: q.SHA256}, time.Now())
	return wire(u), err
}

func (d *Door) uploadStatus(ctx context.Context, a postgres.Actor, q request.OfUpload) (request.Upload, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return request.Upload{}, err
	}
	u, err := d.Blobs.Status(a.ID, blob.UploadID(q.Upload))
	return wire(u), err
}

// putChunk takes bytes as they are; where they belong stands in the headers.
func (d *Door) putChunk(ctx context.Context, a postgres.Actor, msg micro.Request) (any, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return nil, err
	}
	id := msg.Headers().Get("Upload-Id")
	offset, err := strconv.ParseInt(msg.Headers().Get("Upload-Offset"), 10, 64)
	if err != nil {
		return nil, fault.Invalid.New("the header Upload-Offset is a number of bytes, not %.40q", msg.Headers().Get("Upload-Offset"))
	}
	next, err := d.Blobs.Put(a.ID, blob.UploadID(id), offset, msg.Data())
	return request.Upload{Upload: id, Offset: next}, err
}

// commitUpload finishes a file on disk and then records it: no transaction waits
// for the disk. Blobs.Commit is harmless twice, so the same request again finds
// the file and then its receipt, and after a crash in between it records the file.
func (d *Door) commitUpload(ctx context.Context, a postgres.Actor, q request.CommitUpload) (request.Receipt, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return request.Receipt{}, err
	}
	file, err := d.Blobs.Commit(a.ID, blob.UploadID(q.Upload))
	if err != nil {
		return request.Receipt{}, err
	}
	return d.Record.CommitUpload(ctx, a, q, file)
}

func (d *Door) readFile(ctx context.Context, a postgres.Actor, q request.ReadFile) (fileBytes, error) {
	owner, err := d.Record.FileOwner(ctx, a, q)
	if err != nil {
		return nil, err
	}
	return d.Blobs.Read(owner, q.File, q.Offset, readBytes)
}
