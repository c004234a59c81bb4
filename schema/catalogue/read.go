package catalogue

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Sizes above which nothing is read at all. The largest document seen has 17 kB
// and 194 lines; its standard is twice that, as what was repaired is kept too.
const (
	maxDocument = 1 << 20
	maxLines    = 5000 // of a document
	maxStandard = 4 << 20
)

// Read reads one standard in YAML, and nothing else: an unknown field, a second
// document, an alias or anything that Check objects to is a fault that is
// Invalid. The standard is not to be changed afterwards.
func Read(r io.Reader) (*Standard, error) {
	b, err := readAll("the standard", r, maxStandard)
	if err != nil {
		return nil, err
	}
	if _, err := splitLines("the standard", b); err != nil {
		return nil, err
	}
	if err := plainYAML(b); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	s := new(Standard)
	if err := dec.Decode(s); err != nil {
		return nil, notYAML(err)
	}
	s.settle()
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// plainYAML refuses what a standard has no use for: a second document, and
// anchors and aliases, by which a small file can stand for a huge one.
func plainYAML(b []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var first, second yaml.Node
	if err := dec.Decode(&first); err != nil {
		return notYAML(err)
	}
	if err := dec.Decode(&second); err == nil {
		return fault.Invalid.New("line %d: a second YAML document begins; write one standard to a file", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return notYAML(err)
	}
	return noAnchors(&first)
}

func noAnchors(n *yaml.Node) error {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return fault.Invalid.New("line %d: anchors and aliases are not for standards; write the text out", n.Line)
	}
	for _, child := range n.Content {
		if err := noAnchors(child); err != nil {
			return err
		}
	}
	return nil
}

func notYAML(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.Invalid.New("the file has no standard in it")
	}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		return fault.Invalid.Because(err, "not a standard: %.1000s", strings.Join(typed.Errors, "; "))
	}
	return fault.Invalid.Because(err, "not a standard: %.1000s", strings.TrimPrefix(err.Error(), "yaml: "))
}

// YAML writes the standard in the form that Read reads. It reads it back, so
// that a text which YAML cannot carry is found here and not in a year.
func (s *Standard) YAML() ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	back, err := Read(bytes.NewReader(out.Bytes()))
	if err != nil {
		return nil, err
	}
	want, err := s.Digest()
	if err != nil {
		return nil, err
	}
	if got, err := back.Digest(); err != nil || got != want {
		return nil, fault.Invalid.New("standard %q: YAML cannot carry one of its texts; look for spaces at the start of a line", s.Key)
	}
	return out.Bytes(), nil
}
