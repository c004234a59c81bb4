package procedure

// DefaultYAML is the text of the default procedure, for loading it into a record.
func DefaultYAML() string { return string(defaultText) }
