package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// object is a mapping in the order in which it is to be written. A Go map has
// none, and the document would differ from one making to the next.
type object []member

type member struct {
	key   string
	value any
}

// marshal writes the document.
func marshal(o object) ([]byte, error) {
	n, err := node(o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("writing YAML: %w", err)
	}
	return out.Bytes(), enc.Close()
}

// node makes YAML of what a document is built from. Everything that is neither
// an object nor a list goes through its JSON, whose order it keeps.
func node(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case object:
		return mapping(v)
	case []any:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, e := range v {
			n, err := node(e)
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, n)
		}
		return list, nil
	case string:
		return text(v), nil
	default:
		return viaJSON(v)
	}
}

func mapping(o object) (*yaml.Node, error) {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, e := range o {
		n, err := node(e.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.key, err)
		}
		m.Content = append(m.Content, text(e.key), n)
	}
	return m, nil
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// viaJSON relies on JSON being YAML.
func viaJSON(v any) (*yaml.Node, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing %T: %w", v, err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("writing %T: %w", v, err)
	}
	n := doc.Content[0]
	plain(n)
	return n, nil
}

// plain takes the marks of JSON away and puts a description in front, where
// whoever reads a schema wants it.
func plain(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == "description" && n.Content[i+1].Kind == yaml.ScalarNode {
				pair := []*yaml.Node{n.Content[i], n.Content[i+1]}
				n.Content = append(pair, slices.Delete(slices.Clone(n.Content), i, i+2)...)
				break
			}
		}
	}
	for _, c := range n.Content {
		plain(c)
	}
}
