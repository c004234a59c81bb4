package casefile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/person"
)

// MatrixRow is how one competence came out.
type MatrixRow struct {
	Competence string       `json:"competence"`
	Weighed    bool         `json:"weighed"` // a round of it was closed
	Met        bool         `json:"met"`     // as last weighed
	Cells      []MatrixCell `json:"cells,omitempty"`
}

// MatrixCell is the verdict that stands on one indicator, in one context.
type MatrixCell struct {
	Indicator catalogue.IndicatorID `json:"indicator"`
	Context   string                `json:"context,omitempty"`
	Outcome   assessment.Outcome    `json:"outcome"`
	Reason    string                `json:"reason,omitempty"`
	Erased    bool                  `json:"erased,omitempty"` // there was a reason, and it was erased
	Assessor  person.AssessorID     `json:"assessor"`
	At        time.Time             `json:"at"`
}

// Matrix is what a receiver shows as prior assessment: each competence that was
// judged or weighed, each indicator with its last verdict. A recurring indicator
// has a cell for each competence in which it was judged. Rows and cells are in the
// order of codes and numbers; the receiver's own standard may ask for others.
func Matrix(c Case) []MatrixRow {
	type place struct {
		indicator catalogue.IndicatorID
		context   string
	}
	last := map[place]Verdict{}
	for _, v := range c.Verdicts {
		last[place{v.Indicator, v.Context}] = v
	}
	rows := map[string]*MatrixRow{}
	row := func(code string) *MatrixRow {
		if rows[code] == nil {
			rows[code] = &MatrixRow{Competence: code}
		}
		return rows[code]
	}
	for _, f := range c.Findings {
		row(f.Competence).Weighed, row(f.Competence).Met = true, f.Met
	}
	for _, v := range last {
		r := row(v.Indicator.Competence)
		r.Cells = append(r.Cells, MatrixCell{
			Indicator: v.Indicator, Context: v.Context, Outcome: v.Outcome, Reason: v.Reason, Erased: v.Erased, Assessor: v.Assessor, At: v.At,
		})
	}
	var all []MatrixRow
	for _, r := range rows {
		slices.SortFunc(r.Cells, func(a, b MatrixCell) int {
			return cmp.Or(cmp.Compare(a.Indicator.Ordinal, b.Indicator.Ordinal), compareCodes(a.Context, b.Context))
		})
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b MatrixRow) int { return compareCodes(a.Competence, b.Competence) })
	return all
}

// compareCodes orders B.2.3 before B.2.10.
func compareCodes(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		n, errN := strconv.Atoi(x[i])
		m, errM := strconv.Atoi(y[i])
		order := cmp.Compare(x[i], y[i])
		if errN == nil && errM == nil && n != m {
			order = cmp.Compare(n, m)
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(x), len(y))
}
