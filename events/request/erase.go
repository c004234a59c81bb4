package request

import (
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/retention"
)

// ErasePerson destroys a person's key, and with it names, texts, evidence, files and
// salts, for good. Facts, decisions and register entries stay under the opaque id.
type ErasePerson struct {
	Acting
	Person    person.ID        `json:"person"`
	Ground    retention.Ground `json:"ground"`
	Reference string           `json:"reference" jsonschema:"of the request or the order in the awarding body's own files; no name"`
}
