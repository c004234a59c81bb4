package request

import (
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
)

// OpenUpload announces a file. The same file announced again goes on where it stopped.
type OpenUpload struct {
	Size   int64        `json:"size" jsonschema:"bytes"`
	SHA256 canon.Digest `json:"sha256"`
}

// Upload says how to send the file, and how much of it is here. Chunks go to
// blob.put with the headers Upload-Id and Upload-Offset and the bytes as body.
type Upload struct {
	Upload     string `json:"upload"`
	ChunkBytes int    `json:"chunk_bytes,omitempty" jsonschema:"at most this many bytes a request"`
	Offset     int64  `json:"offset" jsonschema:"bytes that are here; go on from there"`
}

// OfUpload names an upload.
type OfUpload struct {
	Upload string `json:"upload"`
}

// CommitUpload says that all bytes were sent.
type CommitUpload struct {
	Acting
	Upload string `json:"upload"`
}

// ReadFile asks for bytes of a file that is evidence in an application or a task
// of the one who asks. The reply is up to 512 KiB of bytes from the offset on; an
// empty one is the end of the file.
type ReadFile struct {
	Application application.ID    `json:"application,omitempty"`
	Task        assessment.TaskID `json:"task,omitempty"`
	File        canon.Digest      `json:"file"`
	Offset      int64             `json:"offset,omitempty"`
}
