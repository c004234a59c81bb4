package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/evidence"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
	"github.com/kutse-dev/kutse/schema/procedure"
)

// assembly is a case file that is being put together.
type assembly struct {
	tx
	app  *applicationRow
	made CaseFile
}

// assemble puts together all that a case file of an application holds. What was
// erased cannot be in one: the archive would lie under the same key.
func (t tx) assemble(ctx context.Context, app *applicationRow, key casefile.Key) (CaseFile, error) {
	owner := person.ID(app.Candidate)
	a := &assembly{tx: t, app: app, made: CaseFile{Owner: owner, Files: map[evidence.ItemID]canon.Digest{}}}
	a.made.File.Salts = map[string]canon.Salt{}
	a.made.File.Case = casefile.Case{
		Format: casefile.Format, Origin: key.Origin(), ExportedAt: t.s.clock(), Application: app.ID, State: app.State, OpenedAt: app.OpenedAt.UTC(),
	}
	for _, step := range []func(context.Context) error{
		a.candidate, a.versions, a.evidence, a.rounds, a.verdicts, a.findings, a.proposals, a.decisions, a.entry, a.priors,
	} {
		if err := step(ctx); err != nil {
			return CaseFile{}, err
		}
	}
	if err := a.trail(ctx, key); err != nil {
		return CaseFile{}, err
	}
	return a.made, nil
}

func (a *assembly) c() *casefile.Case { return &a.made.File.Case }

// open opens what is sealed under the candidate's key; an error where it was erased.
func (a *assembly) open(ctx context.Context, field string, sealed []byte) (string, error) {
	plain, err := a.sealer(ctx).Open(a.made.Owner, field, sealed)
	return string(plain), err
}

var personByID = statement(`SELECT name, contact FROM person WHERE id = $1`)

func (a *assembly) candidate(ctx context.Context) (err error) {
	var row struct{ Name, Contact []byte }
	if err := a.GetContext(ctx, &row, personByID, a.made.Owner); err != nil {
		return err
	}
	p := &a.c().Candidate
	p.ID = a.made.Owner
	if p.Name, err = a.open(ctx, nameField, row.Name); err != nil {
		return err
	}
	p.Contact, err = a.open(ctx, contactField, row.Contact)
	return err
}

// versions takes the pinned versions byte for byte.
func (a *assembly) versions(ctx context.Context) error {
	std, proc, err := a.rules(ctx, a.app)
	if err != nil {
		return err
	}
	var standard, procedure versionRow
	if err := a.GetContext(ctx, &standard, standardByDigest, a.app.Standard); err != nil {
		return err
	}
	if err := a.GetContext(ctx, &procedure, procedureByDigest, a.app.Procedure); err != nil {
		return err
	}
	a.made.File.Standard, a.made.File.Procedure = []byte(standard.Body), []byte(procedure.Body)
	a.c().Standard = casefile.Version{Key: std.Key, Version: std.Version, Digest: canon.Digest(a.app.Standard), Name: std.Name()}
	a.c().Procedure = casefile.Version{Key: proc.Key, Version: proc.Version, Digest: canon.Digest(a.app.Procedure), Name: proc.Title}
	return nil
}

// allEvidence is more than a case can have.
const allEvidence = 1 << 30

func (a *assembly) evidence(ctx context.Context) error {
	var rows []evidenceRow
	if err := a.SelectContext(ctx, &rows, evidenceOfApplication, a.app.ID, 0, allEvidence); err != nil {
		return err
	}
	for _, row := range rows {
		item, err := a.item(ctx, row)
		if err != nil {
			return err
		}
		if item.Salt == (canon.Salt{}) {
			return goneAtAll(a.made.Owner)
		}
		a.made.File.Salts[evidenceField(item.Item)] = item.Salt
		if item.Kind == evidence.File {
			a.made.Files[item.Item] = item.File
		}
		a.c().Evidence = append(a.c().Evidence, casefile.EvidenceItem{
			ID: item.Item, Kind: item.Kind, Indicators: item.Indicators, Digest: item.Digest, Salt: &item.Salt, Size: item.Size,
			MediaType: item.MediaType, File: casefile.EvidencePath(item.Item, item.Kind, item.MediaType),
			Text: item.Text, Link: item.Link, At: item.At,
		})
	}
	return nil
}

func goneAtAll(p person.ID) error { return fault.Conflict.New("what belonged to %s was erased", p) }

var (
	roundsInFull = statement(`
SELECT r.id, r.competence, r.number, r.asked, r.offered, r.at, c.at AS closed_at
  FROM round r LEFT JOIN round_closed c ON c.round = r.id WHERE r.application = $1 ORDER BY r.position, r.id`)
	frozenInRounds = statement(`
SELECT e.round, e.item, e.competence, e.ordinal FROM round_evidence e JOIN round r ON r.id = e.round
 WHERE r.application = $1 ORDER BY e.round, e.item, e.competence COLLATE "C", e.ordinal`)
)

func (a *assembly) rounds(ctx context.Context) (err error) {
	var rows []struct {
		ID             assessment.RoundID
		Competence     string
		Number         int
		Asked, Offered pq.StringArray
		At             time.Time
		ClosedAt       *time.Time `db:"closed_at"`
	}
	if err := a.SelectContext(ctx, &rows, roundsInFull, a.app.ID); err != nil {
		return err
	}
	frozen, err := a.frozen(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		round := casefile.Round{ID: r.ID, Competence: r.Competence, Number: r.Number, Evidence: frozen[r.ID], At: r.At.UTC()}
		if round.Asked, err = parseIDs(r.Asked); err != nil {
			return err
		}
		if round.Offered, err = parseIDs(r.Offered); err != nil {
			return err
		}
		if r.ClosedAt != nil {
			at := r.ClosedAt.UTC()
			round.ClosedAt = &at
		}
		a.c().Rounds = append(a.c().Rounds, round)
	}
	return nil
}

func (a *assembly) frozen(ctx context.Context) (map[assessment.RoundID][]casefile.Frozen, error) {
	var rows []struct {
		Round      assessment.RoundID
		Item       evidence.ItemID
		Competence string
		Ordinal    int
	}
	if err := a.SelectContext(ctx, &rows, frozenInRounds, a.app.ID); err != nil {
		return nil, err
	}
	frozen := map[assessment.RoundID][]casefile.Frozen{}
	for _, r := range rows {
		frozen[r.Round] = append(frozen[r.Round], casefile.Frozen{
			Item: r.Item, Indicator: catalogue.IndicatorID{Competence: r.Competence, Ordinal: r.Ordinal},
		})
	}
	return frozen, nil
}

var verdictsInFull = statement(`
SELECT id, round, competence, ordinal, COALESCE(context, '') AS context, outcome, reason, assessor, saw, at
  FROM verdict WHERE application = $1 ORDER BY position, id`)

func (a *assembly) verdicts(ctx context.Context) (err error) {
	var rows []struct {
		ID         string
		Round      assessment.RoundID
		Competence string
		Ordinal    int
		Context    string
		Outcome    assessment.Outcome
		Reason     []byte
		Assessor   person.AssessorID
		Saw        pq.ByteaArray
		At         time.Time
	}
	if err := a.SelectContext(ctx, &rows, verdictsInFull, a.app.ID); err != nil {
		return err
	}
	for _, r := range rows {
		v := casefile.Verdict{
			ID: r.ID, Round: r.Round, Indicator: catalogue.IndicatorID{Competence: r.Competence, Ordinal: r.Ordinal}, Context: r.Context,
			Outcome: r.Outcome, Assessor: r.Assessor, At: r.At.UTC(),
		}
		if r.Reason != nil {
			if v.Reason, err = a.open(ctx, verdictField(r.ID), r.Reason); err != nil {
				return fmt.Errorf("verdict %s: %w", r.ID, err)
			}
		}
		for _, saw := range r.Saw {
			v.Saw = append(v.Saw, canon.Digest(saw))
		}
		a.c().Verdicts = append(a.c().Verdicts, v)
	}
	return nil
}

var findingsInFull = statement(`
SELECT round, competence, met, open, at FROM finding WHERE application = $1 ORDER BY position, round, competence COLLATE "C"`)

func (a *assembly) findings(ctx context.Context) error {
	var rows []struct {
		Round      assessment.RoundID
		Competence string
		Met        bool
		Open       pq.StringArray
		At         time.Time
	}
	if err := a.SelectContext(ctx, &rows, findingsInFull, a.app.ID); err != nil {
		return err
	}
	for _, r := range rows {
		open, err := parseIDs(r.Open)
		if err != nil {
			return err
		}
		a.c().Findings = append(a.c().Findings, casefile.Finding{Round: r.Round, Competence: r.Competence, Met: r.Met, Open: open, At: r.At.UTC()})
	}
	return nil
}

var proposalsInFull = statement(`SELECT id, number, outcome, basis, due_at, at FROM proposal WHERE application = $1 ORDER BY number`)

func (a *assembly) proposals(ctx context.Context) error {
	var rows []struct {
		ID      award.ProposalID
		Number  int
		Outcome award.Outcome
		Basis   []byte
		DueAt   time.Time `db:"due_at"`
		At      time.Time
	}
	if err := a.SelectContext(ctx, &rows, proposalsInFull, a.app.ID); err != nil {
		return err
	}
	for _, r := range rows {
		a.c().Proposals = append(a.c().Proposals, casefile.Proposal{
			ID: r.ID, Number: r.Number, Outcome: r.Outcome, Basis: canon.Digest(r.Basis), DueAt: r.DueAt.UTC(), At: r.At.UTC(),
		})
	}
	return nil
}

var decisionsOf = statement(`
SELECT id, proposal, outcome, member, grounds, legal_basis, unmet, reasons, returned, at FROM decision WHERE application = $1 ORDER BY position`)

type decisionRow struct {
	ID         award.DecisionID
	Proposal   award.ProposalID
	Outcome    award.Outcome
	Member     person.ID
	Grounds    []byte
	LegalBasis string `db:"legal_basis"`
	Unmet      pq.StringArray
	Reasons    pq.ByteaArray
	Returned   pq.StringArray
	At         time.Time
}

func (a *assembly) decisions(ctx context.Context) error {
	_, proc, err := a.rules(ctx, a.app)
	if err != nil {
		return err
	}
	var rows []decisionRow
	if err := a.SelectContext(ctx, &rows, decisionsOf, a.app.ID); err != nil {
		return err
	}
	for _, r := range rows {
		d := casefile.Decision{
			ID: r.ID, Proposal: r.Proposal, Outcome: r.Outcome, Member: r.Member, LegalBasis: r.LegalBasis, Returned: r.Returned,
			Challenge: challengeOf(proc), At: r.At.UTC(),
		}
		if d.Grounds, err = a.open(ctx, decisionField(r.ID), r.Grounds); err != nil {
			return fmt.Errorf("decision %s: %w", r.ID, err)
		}
		if d.Reasons, err = a.reasons(ctx, r); err != nil {
			return fmt.Errorf("decision %s: %w", r.ID, err)
		}
		a.c().Decisions = append(a.c().Decisions, d)
	}
	return nil
}

// challengeOf says to whom and until when a decision can be challenged.
func challengeOf(p *procedure.Procedure) string {
	return fmt.Sprintf("within %d days of learning of it, to %s", p.Challenge.Days, p.Challenge.To)
}

func (a *assembly) reasons(ctx context.Context, r decisionRow) ([]casefile.Reason, error) {
	unmet, err := parseIDs(r.Unmet)
	if err != nil {
		return nil, err
	}
	var reasons []casefile.Reason
	for i, id := range unmet {
		reason, err := a.open(ctx, reasonField(r.ID, id), r.Reasons[i])
		if err != nil {
			return nil, err
		}
		reasons = append(reasons, casefile.Reason{Indicator: id, Reason: reason})
	}
	return reasons, nil
}

func (a *assembly) entry(ctx context.Context) error {
	var row entryRow
	missing, err := noRows(a.GetContext(ctx, &row, entryOfApplication, a.app.ID))
	if err != nil || missing {
		return err
	}
	a.c().Entry = &casefile.Entry{
		Number: row.Number, Type: row.Type, Decision: row.Decision, At: row.At.UTC(),
		ValidFrom: row.ValidFrom.Format(time.DateOnly), ValidTo: row.ValidTo.Format(time.DateOnly),
	}
	return nil
}

func (a *assembly) priors(ctx context.Context) error {
	rows, err := a.priorsOf(ctx, a.made.Owner)
	if err != nil {
		return err
	}
	for i := len(rows) - 1; i >= 0; i-- { // they come newest first
		said, err := a.said(ctx, rows[i])
		if err != nil {
			return err
		}
		a.c().Prior = append(a.c().Prior, casefile.Prior{
			ID: rows[i].ID, Origin: said.Prior.Origin, Application: said.Application, Standard: said.Standard, At: rows[i].At.UTC(),
		})
	}
	return nil
}
