package request

import "github.com/kutse-dev/kutse/schema/person"

// AddPerson makes a person known, or gives one more roles and scopes.
type AddPerson struct {
	Acting
	Person  person.ID     `json:"person"`
	Name    string        `json:"name"`
	Contact string        `json:"contact,omitempty"`
	Roles   []person.Role `json:"roles"`
	Scopes  []Scope       `json:"scopes,omitempty" jsonschema:"what an assessor may assess"`
}

// Scope is what an assessor may assess of one standard version.
type Scope struct {
	Standard    string   `json:"standard" jsonschema:"key, for the current version, or the digest of any version"`
	Competences []string `json:"competences,omitempty" jsonschema:"codes; empty for all"`
}

// LoadStandard puts a standard version into the record.
type LoadStandard struct {
	Acting
	YAML string `json:"yaml"`
}

// LoadProcedure puts a procedure version into the record.
type LoadProcedure struct {
	Acting
	YAML string `json:"yaml"`
}
