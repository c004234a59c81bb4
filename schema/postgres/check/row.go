package check

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
)

// row is a row as its digest has it: column to value, without what is NULL; bytes
// in hexadecimal, times in RFC 3339 and UTC.
type row struct {
	table string
	id    string // as audit rows name it
	cols  map[string]any
}

// row reads what row_to_json wrote. What a value is, the catalog says: a text may
// look like anything.
func (t table) row(text []byte) (row, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	one := row{table: t.name}
	if err := dec.Decode(&one.cols); err != nil {
		return one, err
	}
	for name, v := range one.cols {
		switch v := plain(v, t.types[name]); v {
		case nil:
			delete(one.cols, name)
		default:
			one.cols[name] = v
		}
	}
	var id []string
	for _, k := range t.key {
		if t.name == "assessor_scope" && k == "competence" {
			continue // one record for all competences of one act
		}
		id = append(id, fmt.Sprint(one.cols[k]))
	}
	one.id = strings.Join(id, "/")
	return one, nil
}

func plain(v any, typ string) any {
	if list, ok := v.([]any); ok {
		for i := range list {
			list[i] = plain(list[i], strings.TrimPrefix(typ, "_"))
		}
		return &list // a list cannot be compared with nil
	}
	text, ok := v.(string)
	if !ok {
		return v
	}
	switch typ {
	case "bytea":
		return strings.TrimPrefix(text, `\x`)
	case "timestamptz":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.UTC().Format(time.RFC3339Nano)
		}
	}
	return text
}

// notInDigest are columns that the digest of a row leaves out: those that change
// with the facts, and the body of a version, which its own digest is of.
var notInDigest = map[string][]string{
	"application": {"state", "position"}, "standard": {"body"}, "procedure": {"body"},
}

// digest is SHA-256 over the canonical JSON of the row, with the parts that
// belong to it. Of an event it is over its body.
func (r row) digest(parts map[string]any) (string, error) {
	if r.table == "event" {
		return canon.Sum([]byte(r.text("body"))).String(), nil
	}
	whole := make(map[string]any, len(r.cols)+len(parts))
	for name, v := range r.cols {
		whole[name] = v
	}
	for name, v := range parts {
		whole[name] = v
	}
	for _, name := range notInDigest[r.table] {
		delete(whole, name)
	}
	d, err := canon.DigestOf(whole)
	return d.String(), err
}

// name is how audit rows name the row.
func (r row) name() string { return r.table + " " + r.id }

func (r row) text(col string) string {
	s, _ := r.cols[col].(string)
	return s
}

func (r row) whole(col string) int {
	n, _ := r.cols[col].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func (r row) yes(col string) bool {
	b, _ := r.cols[col].(bool)
	return b
}

// bytes are those of a bytea column; nil where it is NULL.
func (r row) bytes(col string) []byte {
	text, ok := r.cols[col].(string)
	if !ok {
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil
	}
	return b
}

func (r row) time(col string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, r.text(col))
	return at
}

// texts are the elements of a list.
func (r row) texts(col string) []string {
	list, _ := r.cols[col].(*[]any)
	if list == nil {
		return nil
	}
	out := make([]string, 0, len(*list))
	for _, v := range *list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
