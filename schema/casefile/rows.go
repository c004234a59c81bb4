package casefile

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/catalogue"
)

// RowLine writes a recorded row as a line of log/rows.jsonl: row is the canonical
// JSON whose SHA-256 the log names, with what is sealed as it is sealed.
func RowLine(kind, id string, row []byte) ([]byte, error) {
	return canon.JSON(rowLine{Kind: kind, ID: id, Row: row})
}

type rowLine struct {
	Kind string          `json:"kind"`
	ID   string          `json:"id"`
	Row  json.RawMessage `json:"row"`
}

// heldByRows holds the recorded rows to the log, by their SHA-256, and the case to the
// rows: so also outcomes and times are what the log says, whoever signs. Where
// there are no rows, that cannot be done, and nothing is said.
func (c *contents) heldByRows(records map[string]string) {
	if len(c.rows) == 0 {
		return
	}
	facts := c.columns()
	seen := map[string]bool{}
	for i, line := range c.rows {
		var l rowLine
		again, err := canon.Reformat(line)
		if err != nil || !bytes.Equal(again, line) || json.Unmarshal(line, &l) != nil {
			c.wrong(rowsFile, "line %d is not a row in canonical form", i+1)
			continue
		}
		what := l.Kind + " " + l.ID
		if records[what] != canon.Sum(l.Row).String() || seen[what] {
			c.wrong(rowsFile, "the %s, line %d, is not the one in the log, or is there twice", what, i+1)
			continue
		}
		seen[what] = true
		if name := differs(l.Row, facts[what]); name != "" {
			c.wrong(caseFile, "of the %s, the log has another %s", what, name)
		}
	}
	for _, what := range sortedKeys(facts) {
		if !seen[what] {
			c.wrong(rowsFile, "the %s is left out", what)
		}
	}
}

// columns are those of the recorded rows that the case tells in the clear, by kind
// and id and then by name.
func (c *contents) columns() map[string]map[string]any {
	facts := map[string]map[string]any{}
	for _, e := range c.Evidence {
		facts["evidence_item "+string(e.ID)] = map[string]any{"kind": e.Kind, "digest": e.Digest, "size": e.Size, "indicators": texts(e.Indicators), "at": e.At}
	}
	for _, r := range c.Rounds {
		facts["round "+string(r.ID)] = map[string]any{
			"competence": r.Competence, "number": r.Number, "asked": texts(r.Asked), "offered": texts(r.Offered), "at": r.At,
		}
	}
	for _, v := range c.Verdicts {
		saw := []string{}
		for _, d := range v.Saw {
			saw = append(saw, d.String())
		}
		facts["verdict "+v.ID] = map[string]any{
			"round": v.Round, "competence": v.Indicator.Competence, "ordinal": v.Indicator.Ordinal, "context": v.Context,
			"outcome": v.Outcome, "assessor": v.Assessor, "saw": saw, "at": v.At,
		}
	}
	for _, f := range c.Findings {
		facts["finding "+string(f.Round)+"/"+f.Competence] = map[string]any{"met": f.Met, "open": texts(f.Open), "at": f.At}
	}
	for _, p := range c.Proposals {
		facts["proposal "+string(p.ID)] = map[string]any{"number": p.Number, "outcome": p.Outcome, "basis": p.Basis, "due_at": p.DueAt, "at": p.At}
	}
	for _, d := range c.Decisions {
		unmet := []catalogue.IndicatorID{}
		for _, r := range d.Reasons {
			unmet = append(unmet, r.Indicator)
		}
		facts["decision "+string(d.ID)] = map[string]any{
			"proposal": d.Proposal, "outcome": d.Outcome, "member": d.Member, "legal_basis": d.LegalBasis, "unmet": texts(unmet),
			"returned": slices.Clone(d.Returned), "at": d.At,
		}
	}
	if e := c.Entry; e != nil {
		facts["register_entry "+e.Number] = map[string]any{
			"type": e.Type, "decision": e.Decision, "valid_from": e.ValidFrom, "valid_to": e.ValidTo, "at": e.At,
		}
	}
	return facts
}

func texts(ids []catalogue.IndicatorID) []string {
	list := []string{}
	for _, id := range ids {
		list = append(list, id.String())
	}
	return list
}

// differs names a column that is not as told; "" when all are. Lists are compared
// without their order, and an empty one with none.
func differs(row []byte, told map[string]any) string {
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(row, &columns); err != nil {
		return "form"
	}
	for _, name := range sortedKeys(told) {
		same := false
		switch v := told[name].(type) {
		case time.Time:
			var at time.Time
			same = json.Unmarshal(columns[name], &at) == nil && at.Equal(v)
		case []string:
			var list []string
			same = columns[name] == nil || json.Unmarshal(columns[name], &list) == nil
			slices.Sort(list)
			slices.Sort(v)
			same = same && slices.Equal(list, v)
		default:
			want, err := canon.JSON(v)
			same = err == nil && (bytes.Equal(want, columns[name]) || columns[name] == nil && string(want) == `""`)
		}
		if !same {
			return name
		}
	}
	return ""
}
