package request

import (
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/reading"
)

// MakeCaseFile puts everything of one case into one signed archive. The receipt's
// record is the archive's SHA-256.
type MakeCaseFile struct {
	Acting
	Application application.ID  `json:"application"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"the council must say"`
}

// ReadCaseFile asks for bytes of a case file: of one that was made here, or of one
// that the candidate brought. The reply is up to 512 KiB of bytes from the offset
// on; an empty one is the end.
type ReadCaseFile struct {
	CaseFile    canon.Digest    `json:"case_file" jsonschema:"its SHA-256, the record of the receipt"`
	Application application.ID  `json:"application,omitempty" jsonschema:"of which it was made; the council must say"`
	Purpose     reading.Purpose `json:"purpose,omitempty" jsonschema:"the council must say"`
	Offset      int64           `json:"offset,omitempty"`
}
