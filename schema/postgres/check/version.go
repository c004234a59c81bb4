package check

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// Those who know them read them; they decide nothing here.
type (
	standard  = catalogue.Standard
	awardRule = procedure.Procedure
)

// version is a version of a standard or a procedure as a case is pinned to it.
type version[V any] struct {
	value *V     // nil where it cannot be used
	wrong string // why not
}

const (
	standardBody  = `SELECT body FROM standard WHERE digest = $1`
	procedureBody = `SELECT body FROM procedure WHERE digest = $1`
)

// pinned reads a version once and keeps it.
func pinned[V any](ctx context.Context, r *reading, known map[string]*version[V], query, digest string) (*version[V], error) {
	if v := known[digest]; v != nil {
		return v, nil
	}
	raw, err := hex.DecodeString(digest)
	if err != nil {
		return &version[V]{wrong: "is named by no digest"}, nil
	}
	var bodies []string
	if err := r.tx.SelectContext(ctx, &bodies, query, raw); err != nil {
		return nil, fmt.Errorf("reading version %s: %w", digest, err)
	}
	v := &version[V]{value: new(V)}
	switch {
	case len(bodies) == 0:
		v = &version[V]{wrong: "is not in the record"}
	case canon.Sum([]byte(bodies[0])).String() != digest:
		v = &version[V]{wrong: "was changed: its text has the digest " + canon.Sum([]byte(bodies[0])).String()}
	default:
		if err := json.Unmarshal([]byte(bodies[0]), v.value); err != nil {
			v = &version[V]{wrong: fmt.Sprintf("cannot be read: %v", err)}
		}
	}
	known[digest] = v
	return v, nil
}
