package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
)

// TrailFlags say which rows of the audit trail are printed.
type TrailFlags struct {
	Application  application.ID `placeholder:"ID" help:"Only what concerns one application."`
	Candidate    person.ID      `placeholder:"UID" help:"Only what is about one candidate."`
	Actor        person.ID      `placeholder:"UID" help:"Only what one person did: an assessor, a member, anybody."`
	Standard     string         `placeholder:"KEY" help:"Only what is about one standard."`
	Act          string         `placeholder:"ACT" help:"Only one kind of act, as in evidence.submit."`
	From         MomentArg      `placeholder:"TIME" help:"From this day or moment on."`
	To           MomentArg      `placeholder:"TIME" help:"Before this day or moment."`
	Newest       bool           `help:"Newest first."`
	Limit        int            `placeholder:"N" help:"At most this many rows; all when left out."`
	PurposeFlags `embed:""`
	CSVFlag      `embed:""`
}

// auditPage is how many rows are asked for at once: as many as the door gives.
const auditPage = 500

// stream prints the audit trail as it comes.
func (f *TrailFlags) stream(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	rows, err := f.newStream(out, []string{"TIME", "ACTOR", "ROLE", "ACT", "LOG", "OBJECT"}, []int{23, 16, 6, 20, 12}, []string{
		"time", "id", "actor", "role", "act", "application", "candidate", "standard", "request", "object", "position", "payload", "log_year", "log_position",
	})
	if err != nil {
		return err
	}
	printed := 0
	return pages(ctx, a, "get", "audit", func(after string) any {
		q := f.page(after)
		if f.Limit > 0 {
			q.Limit = min(auditPage, f.Limit-printed)
		}
		return q
	}, func(page request.Audit) (string, error) {
		for _, r := range page.Rows {
			if err := rows.row(r, []string{instant(r.At), r.Actor, r.Role, r.Act, sealedAt(r.Sealed), r.Object}, auditCells(r)); err != nil {
				return "", err
			}
		}
		if printed += len(page.Rows); f.Limit > 0 && printed >= f.Limit {
			return "", rows.end()
		}
		return page.Next, rows.end()
	})
}

func auditCells(r request.AuditRow) []string {
	year, position := "", ""
	if r.Sealed != nil {
		year, position = strconv.Itoa(r.Sealed.Year), strconv.FormatInt(r.Sealed.Position, 10)
	}
	return []string{
		r.At.UTC().Format(time.RFC3339Nano), r.ID, r.Actor, r.Role, r.Act, string(r.Application), string(r.Candidate), r.Standard, r.Request, r.Object,
		strconv.Itoa(r.Position), r.Payload.String(), year, position,
	}
}

func (f *TrailFlags) page(after string) request.AuditPage {
	return request.AuditPage{
		Application: f.Application, Candidate: f.Candidate, Actor: f.Actor, Standard: f.Standard, Act: f.Act,
		From: f.From.given(), To: f.To.given(), Newest: f.Newest, Purpose: f.purpose(), After: after, Limit: auditPage,
	}
}
