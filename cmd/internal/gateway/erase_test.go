package gateway_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/cmd/internal/gateway"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres/postgrestest"
	"github.com/kutse-dev/kutse/schema/retention"
)

func erasing() request.ErasePerson {
	return request.ErasePerson{Acting: client.NewID(), Person: "c1", Ground: retention.ByOrder, Reference: "12.3-4/17"}
}

// upload sends a file as the candidate, in one chunk or more.
func (d *door) upload(ctx context.Context, content string) error {
	_, err := d.as(postgrestest.Candidate).Upload(ctx, strings.NewReader(content), nil)
	return err
}

func (d *door) folder() string { return filepath.Join(d.blobs, "c1") }

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestErasingRemovesTheFiles(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	if err := d.upload(t.Context(), pdf(100<<10)); err != nil {
		t.Fatal(err)
	}
	if !there(d.folder()) {
		t.Fatal("the file is nowhere, so that its removal would prove nothing")
	}
	q := erasing()
	r := d.must(postgrestest.Auditor, "person", "erase", q)
	if there(d.folder()) {
		t.Error("the files are still there")
	}
	if again := d.must(postgrestest.Auditor, "person", "erase", q); again.Digest != r.Digest {
		t.Errorf("the same request again: %+v, want %+v", again, r)
	}
	if err := d.upload(t.Context(), pdf(1000)); fault.Of(err) != fault.Conflict || !strings.Contains(fault.Message(err), "erased") {
		t.Errorf("a late upload: %v, want a conflict that says why", err)
	}
}

// A process that dies after the commit leaves the files, which nobody can read.
func TestFilesThatACrashLeftAreRemovedLater(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	content := pdf(100 << 10)
	if err := d.upload(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	// The act without what the door does after it.
	if _, err := d.record.ErasePerson(t.Context(), postgrestest.Auditor, erasing()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(d.blobs, d.record.Sealer(), limits)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blobs.Close() }()
	if !there(d.folder()) {
		t.Fatal("the files are gone already, so that this proves nothing")
	}
	if b, err := blobs.Read("c1", *digest(content), 0, 10); err == nil {
		t.Errorf("the file of an erased person reads %q", b)
	}
	for range 2 { // harmless twice
		if err := gateway.RemoveErased(t.Context(), d.record.Store, blobs); err != nil {
			t.Fatal(err)
		}
		if there(d.folder()) {
			t.Error("the files are still there")
		}
	}
}

func TestErasingWhileThePersonUploads(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	ctx, stop := context.WithCancel(t.Context())
	var uploads sync.WaitGroup
	var kept atomic.Int32
	begun := make(chan struct{})
	for i := range 4 {
		uploads.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := d.upload(ctx, strconv.Itoa(i)+" "+strconv.Itoa(n)+pdf(150<<10))
				switch kind := fault.Of(err); {
				case err == nil:
					if kept.Add(1) == 4 {
						close(begun)
					}
				case ctx.Err() != nil:
				case kind == fault.Conflict && strings.Contains(fault.Message(err), "erased"):
					return // nothing of theirs is taken any more
				case kind == "":
					t.Errorf("an upload ended with %v", err)
				}
			}
		})
	}
	<-begun
	d.must(postgrestest.Auditor, "person", "erase", erasing())
	uploads.Wait() // each ends by being refused
	stop()
	blobs, err := blob.Open(d.blobs, d.record.Sealer(), limits)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blobs.Close() }()
	if err := gateway.RemoveErased(t.Context(), d.record.Store, blobs); err != nil || there(d.folder()) {
		t.Errorf("files of the erased person are there (%v)", err)
	}
	db, err := postgresConnect(t, d.record.DB.Superuser)
	if err != nil {
		t.Fatal(err)
	}
	var late int
	if err := db.Get(&late, `SELECT count(*) FROM blob b JOIN erasure e ON e.person = b.person WHERE b.at > e.at`); err != nil || late != 0 {
		t.Errorf("%d files were recorded after the erasure (%v)", late, err)
	}
}
