package client

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Upload sends a file and returns its SHA-256, by which evidence names it. An
// upload that broke off goes on where it stopped. progress is told how many bytes
// are there; it may be nil.
func (c *Client) Upload(ctx context.Context, file io.ReadSeeker, progress func(sent, size int64)) (canon.Digest, error) {
	digest, size, err := measure(file)
	if err != nil {
		return canon.Digest{}, fmt.Errorf("reading the file: %w", err)
	}
	var up request.Upload
	if err := c.Ask(ctx, person.Candidate, "blob", "open", request.OpenUpload{Size: size, SHA256: digest}, &up); err != nil {
		return canon.Digest{}, err
	}
	for up.Offset < size {
		if up.Offset, err = c.put(ctx, file, up); err != nil {
			return canon.Digest{}, err
		}
		if progress != nil {
			progress(up.Offset, size)
		}
	}
	_, err = c.Act(ctx, person.Candidate, "blob", "commit", request.CommitUpload{Acting: NewID(), Upload: up.Upload})
	return digest, err
}

func measure(file io.ReadSeeker) (canon.Digest, int64, error) {
	h := sha256.New()
	size, err := io.Copy(h, file)
	return canon.Digest(h.Sum(nil)), size, err
}

func (c *Client) put(ctx context.Context, file io.ReadSeeker, up request.Upload) (int64, error) {
	if _, err := file.Seek(up.Offset, io.SeekStart); err != nil {
		return 0, err
	}
	chunk := make([]byte, up.ChunkBytes)
	n, err := io.ReadFull(file, chunk)
	if err != nil && n == 0 {
		return 0, fault.Invalid.Because(err, "the file became shorter while it was sent")
	}
	msg := nats.NewMsg(request.Subject(person.Candidate, c.uid, "blob", "put"))
	msg.Header.Set("Upload-Id", up.Upload)
	msg.Header.Set("Upload-Offset", strconv.FormatInt(up.Offset, 10))
	msg.Data = chunk[:n]
	if _, err := c.Raw(ctx, msg); err != nil {
		return 0, err
	}
	return up.Offset + int64(n), nil
}
