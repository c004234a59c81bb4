package gateway

import (
	"context"

	"github.com/nats-io/nats.go/micro"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// handlers says what answers each endpoint of request.Endpoints, by its name.
func handlers(d *Door) map[string]handler {
	r := d.Record
	return map[string]handler{
		"application-open":     asked(r.OpenApplication),
		"application-list":     nothing(r.Applications),
		"application-show":     asked(r.Case),
		"application-withdraw": asked(r.WithdrawApplication),
		"evidence-submit":      asked(r.SubmitEvidence),
		"evidence-list":        asked(r.Evidence),
		"competence-hand-in":   asked(r.HandIn),
		"blob-open":            asked(d.openUpload),
		"blob-put":             d.putChunk,
		"blob-status":          asked(d.uploadStatus),
		"blob-commit":          asked(d.commitUpload),
		"task-list":            asked(r.Tasks),
		"task-claim":           asked(r.ClaimTask),
		"task-release":         asked(r.ReleaseTask),
		"task-evidence":        asked(r.TaskEvidence),
		"verdict-give":         asked(r.GiveVerdicts),
		"case-list":            nothing(r.Cases),
		"case-show":            asked(r.Case),
		"case-evidence":        asked(r.Evidence),
		"decision-make":        asked(r.Decide),
		"file-read":            asked(d.readFile),
		"get-application":      asked(r.Case),
		"get-audit":            asked(r.Audit),
		"get-entry":            asked(r.Entry),
		"get-stats":            nothing(r.Stats),
		"person-add":           asked(r.AddPerson),
		"standard-load":        asked(r.LoadStandard),
		"procedure-load":       asked(r.LoadProcedure),
		"standard-list":        nothing(r.Standards),
		"standard-show":        asked(showStandard(r)),
		"get-timeline":         asked(r.Timeline),
		"get-readings":         asked(r.SearchReadings),
		"sample-commit":        asked(r.CommitSample),
		"sample-draw":          asked(r.DrawSample),
		"sample-show":          asked(r.Sample),
		"audit-finding-file":   asked(r.FileAuditFinding),
		"audit-finding-list":   asked(r.AuditFindings),
		"person-erase":         asked(d.erasePerson),
		"hold-place":           asked(r.PlaceHold),
		"hold-lift":            asked(r.LiftHold),
		"hold-list":            asked(r.LegalHolds),
		"retention-show":       asked(r.Retention),
		"retention-due":        asked(r.RetentionDue),
		"reading-list":         asked(r.Readings),
		"casefile-make":        asked(d.makeCaseFile),
		"casefile-read":        asked(d.readCaseFile),
		"prior-bring":          asked(d.bringPrior),
		"prior-list":           asked(r.Priors),
		"prior-show":           asked(r.Prior),
		"log-prove":            asked(r.Prove),
		"log-keys":             nothing(r.LogKeys),
		"log-read":             asked(d.readLog),
	}
}

// asked decodes the body and hands it to what answers.
func asked[Q, A any](answer func(context.Context, postgres.Actor, Q) (A, error)) handler {
	return func(ctx context.Context, a postgres.Actor, msg micro.Request) (any, error) {
		q, err := decode[Q](msg.Data())
		if err != nil {
			return nil, err
		}
		return answer(ctx, a, q)
	}
}

// nothing is asked for a request without conditions.
func nothing[A any](answer func(context.Context, postgres.Actor) (A, error)) handler {
	return asked(func(ctx context.Context, a postgres.Actor, _ request.Nothing) (A, error) { return answer(ctx, a) })
}

func showStandard(r *postgres.Store) func(context.Context, postgres.Actor, request.OfStandard) (*catalogue.Standard, error) {
	return func(ctx context.Context, a postgres.Actor, q request.OfStandard) (*catalogue.Standard, error) {
		return r.Standard(ctx, a, q.Standard)
	}
}
