package request

// LogKeys are the logs of the audit trail and the keys that verify them.
type LogKeys struct {
	Logs []LogLine `json:"logs"`
}

// LogLine is the log of one calendar year.
type LogLine struct {
	Origin string   `json:"origin" jsonschema:"as the first line of its checkpoints says it"`
	Year   int      `json:"year"`
	Size   int64    `json:"size" jsonschema:"entries under the latest checkpoint"`
	Keys   []string `json:"keys" jsonschema:"verifier keys (C2SP signed-note), the newest last"`
}

// ReadLog asks for bytes of the log's published form (C2SP tlog-tiles). The reply is
// up to 512 KiB of bytes from the offset on; an empty one is the end.
type ReadLog struct {
	Path   string `json:"path" jsonschema:"year and resource, as in 2026/checkpoint, 2026/keys, 2026/tile/0/000 or 2026/tile/entries/000.p/7"`
	Offset int64  `json:"offset,omitempty"`
}

// Sealed says where an audit row stands in the log.
type Sealed struct {
	Year     int   `json:"year" jsonschema:"of the log"`
	Position int64 `json:"position" jsonschema:"in the log, from 0"`
}

// OfRecord names something in the record.
type OfRecord struct {
	Record string `json:"record" jsonschema:"id of a request, a fact, a decision, an entry, an audit row, or what a receipt calls record"`
}

// Proof shows to anyone that a record stands in the log.
type Proof struct {
	Record   string `json:"record" jsonschema:"what was asked for"`
	Audit    string `json:"audit" jsonschema:"id of the audit row"`
	Year     int    `json:"year" jsonschema:"of the log"`
	Position int64  `json:"position" jsonschema:"in the log, from 0"`
	Entry    string `json:"entry" jsonschema:"the leaf: canonical JSON whose RFC 6962 hash is in the tree"`
	Proof    string `json:"proof" jsonschema:"C2SP tlog-proof with its checkpoint"`
}
