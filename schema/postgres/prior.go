package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/canon"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Brought is a case file of another installation as it was read and found sound.
type Brought struct {
	Case     casefile.Case
	Standard casefile.Standard
	Report   casefile.Report
}

// saidElsewhere is what a prior assessment says, as it is sealed.
type saidElsewhere struct {
	Application application.ID   `json:"application"`
	Standard    casefile.Version `json:"standard"`
	Prior       request.Prior    `json:"prior"`
}

var (
	insertPrior = statement(`
INSERT INTO prior_assessment (id, person, address, standard, summary, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT ON CONSTRAINT prior_assessment_once DO NOTHING`)
	priorOfFile = statement(`SELECT id FROM prior_assessment WHERE person = $1 AND address = $2`)
)

// BringPrior records a case file that the actor uploaded as prior assessment. The
// case file knows the candidate under another id: that it is about them is what they
// claim, and the record says who claimed it. The same file again is the same prior
// assessment.
func (s *Store) BringPrior(ctx context.Context, a Actor, req request.BringPrior, b Brought) (request.Receipt, error) {
	return s.act(ctx, a, "prior.bring", "", req, func(ctx context.Context, c *change) error {
		address, _, err := c.file(ctx, req.File)
		if err != nil {
			return err
		}
		id := newID()
		summary, err := summarise(b, request.PriorLine{Prior: id, Candidate: a.ID, File: req.File, At: c.at})
		if err != nil {
			return err
		}
		sealed, err := c.sealer(ctx).Seal(a.ID, priorField(id), summary)
		if err != nil {
			return err
		}
		standard := b.Case.Standard.Digest
		c.receipt.Record, c.about = id, about{candidate: person.CandidateID(a.ID)}
		res, err := c.ExecContext(ctx, insertPrior, id, a.ID, address, standard[:], sealed, c.at)
		if err != nil {
			return fmt.Errorf("prior assessment %s: %w", id, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = c.GetContext(ctx, &c.receipt.Record, priorOfFile, a.ID, address)
			}
			return err
		}
		return c.recorded("prior_assessment", id, row{
			"id": id, "person": a.ID, "address": address, "standard": standard[:], "summary": sealed, "at": c.at,
		})
	})
}

func priorField(id string) string { return "prior." + id }

// maxSummary is what surely fits into one reply.
const maxSummary = 900 << 10

// maxStandardText bounds the text of a standard of a format that is not known here.
const maxStandardText = 256 << 10

// summarise writes what there is to be shown of a case file.
func summarise(b Brought, line request.PriorLine) ([]byte, error) {
	p := b.Prior()
	p.Prior, p.Candidate, p.File, p.At = line.Prior, line.Candidate, line.File, line.At
	text, err := json.Marshal(saidElsewhere{Application: b.Case.Application, Standard: b.Case.Standard, Prior: p})
	if err == nil && len(text) > maxSummary {
		err = fault.Invalid.New("case.json has more to show than one answer carries: %d bytes, and there may be %d", len(text), maxSummary)
	}
	return text, err
}

// Prior is what a case file says as a prior assessment is shown: without what the
// record knows of it, and under the candidate's id of where it is from.
func (b Brought) Prior() request.Prior {
	c := b.Case
	p := request.Prior{
		PriorLine: request.PriorLine{
			Candidate: c.Candidate.ID, Origin: c.Origin, Standard: c.Standard.Digest, State: c.State, Title: cmp.Or(b.Standard.Title, c.Standard.Name),
		},
		Competences: competencesElsewhere(b), Decisions: decisionsElsewhere(c), Entry: entryElsewhere(c), Checks: checksOf(b.Report),
	}
	if b.Standard.Known == nil {
		p.Text = shortened(b.Standard.Text, maxStandardText)
	}
	return p
}

func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "… (the rest is in the case file)"
}

// competencesElsewhere is the matrix of the case file, with the texts of its standard:
// each competence of the standard in its order, then those that it does not name.
func competencesElsewhere(b Brought) []request.PriorCompetence {
	rows := map[string]casefile.MatrixRow{}
	var codes []string
	for _, r := range casefile.Matrix(b.Case) {
		rows[r.Competence] = r
		codes = append(codes, r.Competence)
	}
	counts := map[string]int{}
	for _, e := range b.Case.Evidence {
		for _, id := range e.Indicators {
			counts[id.String()]++
		}
	}
	list := []request.PriorCompetence{}
	told := map[string]bool{}
	for _, g := range b.Standard.Groups {
		for _, c := range g.Competences {
			if !told[c.Code] {
				told[c.Code] = true
				list = append(list, competenceElsewhere(c, rows[c.Code], counts, b.Standard.Known))
			}
		}
	}
	for _, code := range codes {
		if !told[code] {
			list = append(list, competenceElsewhere(casefile.StandardCompetence{Code: code}, rows[code], counts, nil))
		}
	}
	return list
}

// competenceElsewhere tells each verdict that stands, then what has none though it can
// be assessed, as far as that is known.
func competenceElsewhere(c casefile.StandardCompetence, row casefile.MatrixRow, counts map[string]int, known *catalogue.Standard) request.PriorCompetence {
	out := request.PriorCompetence{Code: c.Code, Title: c.Title, Met: row.Met, Indicators: []request.PriorIndicator{}}
	texts, judged := map[string]string{}, map[string]bool{}
	for _, i := range c.Indicators {
		texts[i.ID] = i.Text
	}
	for _, cell := range row.Cells {
		id := cell.Indicator.String()
		judged[id] = true
		i := request.PriorIndicator{
			Indicator: id, Context: cell.Context, Text: texts[id], Shown: cell.Outcome == assessment.Shown, Evidence: counts[id],
		}
		if !i.Shown {
			i.Reason = cell.Reason
			if cell.Erased {
				i.Reason = erasedText
			}
		}
		out.Indicators = append(out.Indicators, i)
	}
	if known != nil {
		competence, _, _ := known.Competence(c.Code)
		for _, id := range competence.Assessable() {
			if !judged[id.String()] {
				out.Indicators = append(out.Indicators, request.PriorIndicator{Indicator: id.String(), Text: texts[id.String()], Evidence: counts[id.String()]})
			}
		}
	}
	return out
}

func decisionsElsewhere(c casefile.Case) []request.Decision {
	list := []request.Decision{}
	for _, d := range c.Decisions {
		out := request.Decision{
			Decision: d.ID, Outcome: d.Outcome, Member: d.Member, Grounds: d.Grounds, LegalBasis: d.LegalBasis,
			Returned: d.Returned, At: d.At, Challenge: d.Challenge,
		}
		if d.Erased {
			out.Grounds = erasedText
		}
		for _, r := range d.Reasons {
			if d.Erased {
				r.Reason = erasedText
			}
			out.Reasons = append(out.Reasons, request.Reason(r))
		}
		list = append(list, out)
	}
	return list
}

func entryElsewhere(c casefile.Case) *request.RegisterEntry {
	e := c.Entry
	if e == nil {
		return nil
	}
	return &request.RegisterEntry{
		Number: e.Number, Type: e.Type, Application: c.Application, Decision: e.Decision, Candidate: c.Candidate.ID,
		Standard: c.Standard.Name, ValidFrom: e.ValidFrom, ValidTo: e.ValidTo, At: e.At,
	}
}

// checksOf says in words what was checked of a case file that was found sound.
func checksOf(r casefile.Report) []request.PriorCheck {
	checks := []request.PriorCheck{
		{What: "nothing was changed since it was signed, and its parts agree", OK: r.Sound()},
		{What: "it is signed by " + r.Signer.Name, OK: r.Signer.Trusted},
		{What: fmt.Sprintf("%d acts of the case stand in a log of %s", len(r.Proven), r.Origin), OK: len(r.Unproven) == 0 && len(r.Proven) > 0},
	}
	if !r.Signer.Trusted {
		checks[1].Why = "the key is not known here: whose it is, ask " + r.Origin + "; it is trusted once the operator says so with --trust"
	}
	switch untrusted := slices.IndexFunc(r.Proven, func(p casefile.Proven) bool { return !p.Trusted }); {
	case !checks[2].OK:
		checks[2].Why = fmt.Sprintf("%d acts came without a proof", len(r.Unproven))
	case untrusted >= 0:
		checks[2].OK, checks[2].Why = false, "the proofs hold, but the key of "+r.Proven[untrusted].Log+" is not known here"
	}
	return checks
}

type priorRow struct {
	ID       string
	Person   person.ID
	Standard []byte
	Summary  []byte
	Known    bool
	At       time.Time
}

const priorColumns = `
SELECT p.id, p.person, p.standard, p.summary, p.at, EXISTS (SELECT 1 FROM standard s WHERE s.digest = p.standard) AS known
  FROM prior_assessment p`

var (
	priorsOfPerson = statement(priorColumns + ` WHERE p.person = $1 ORDER BY p.at DESC, p.id DESC LIMIT 200`)
	priorByID      = statement(priorColumns + ` WHERE p.id = $1`)
)

func (t tx) priorsOf(ctx context.Context, p person.ID) ([]priorRow, error) {
	var rows []priorRow
	return rows, t.SelectContext(ctx, &rows, priorsOfPerson, p)
}

// said opens what a prior assessment says; an error where it was erased.
func (t tx) said(ctx context.Context, r priorRow) (saidElsewhere, error) {
	var said saidElsewhere
	plain, err := t.sealer(ctx).Open(r.Person, priorField(r.ID), r.Summary)
	if err == nil {
		err = json.Unmarshal(plain, &said)
	}
	if err != nil {
		return said, fmt.Errorf("prior assessment %s: %w", r.ID, err)
	}
	return said, nil
}

// prior is a prior assessment as it is shown. Of an erased one the facts remain.
func (t tx) prior(ctx context.Context, r priorRow) (request.Prior, error) {
	said, err := t.said(ctx, r)
	if erased(err) {
		return request.Prior{
			PriorLine: request.PriorLine{
				Prior: r.ID, Candidate: r.Person, Origin: erasedText, Title: erasedText, Standard: canon.Digest(r.Standard), StandardKnown: r.Known, At: r.At.UTC(),
			},
			Competences: []request.PriorCompetence{}, Decisions: []request.Decision{}, Checks: []request.PriorCheck{},
		}, nil
	}
	said.Prior.StandardKnown = r.Known
	return said.Prior, err
}

// Priors lists a candidate's prior assessments, newest first, up to 200: who asks as
// a candidate, their own; an assessor those of the candidate of a task that they hold;
// the committee and the council those of the candidate of an application. That is
// recorded.
func (s *Store) Priors(ctx context.Context, a Actor, req request.PriorsOf) (request.Priors, error) {
	list := request.Priors{Priors: []request.PriorLine{}}
	err := s.readRecorded(ctx, a, func(t tx) error {
		of, app, err := t.priorReader(ctx, a, request.OfPrior{Application: req.Application, Task: req.Task})
		if err != nil {
			return err
		}
		if of == "" {
			return fault.Invalid.New("say of which application's candidate")
		}
		if err := t.reading(ctx, a, "prior.list", req.Purpose, of, app); err != nil {
			return err
		}
		rows, err := t.priorsOf(ctx, of)
		if err != nil {
			return err
		}
		for _, r := range rows {
			p, err := t.prior(ctx, r)
			if err != nil {
				return err
			}
			list.Priors = append(list.Priors, p.PriorLine)
		}
		return nil
	})
	return list, err
}

// Prior reads a prior assessment, for those who may list it; the council any. That is
// recorded.
func (s *Store) Prior(ctx context.Context, a Actor, req request.OfPrior) (request.Prior, error) {
	var out request.Prior
	err := s.readRecorded(ctx, a, func(t tx) error {
		if err := request.CheckID("a prior assessment's id", req.Prior); err != nil {
			return err
		}
		of, app, err := t.priorReader(ctx, a, req)
		if err != nil {
			return err
		}
		var r priorRow
		missing, err := noRows(t.GetContext(ctx, &r, priorByID, req.Prior))
		if err != nil {
			return err
		}
		if missing || of != "" && of != r.Person {
			return fault.NotFound.New("there is no prior assessment %s that you may read", req.Prior)
		}
		if err := t.reading(ctx, a, "prior.show", req.Purpose, r.Person, app); err != nil {
			return err
		}
		out, err = t.prior(ctx, r)
		return err
	})
	return out, err
}

// priorReader says whose prior assessments the actor may read, and for which
// application; "" for anybody's.
func (t tx) priorReader(ctx context.Context, a Actor, req request.OfPrior) (person.ID, application.ID, error) {
	switch {
	case a.Role == person.Candidate:
		return a.ID, "", nil
	case a.Role == person.Assessor:
		return t.candidateOfTask(ctx, a, req.Task)
	case a.Role == person.Council && req.Application == "":
		return "", "", nil
	}
	app, err := t.visible(ctx, a, req.Application)
	if err != nil {
		return "", "", err
	}
	return person.ID(app.Candidate), app.ID, nil
}

func (t tx) candidateOfTask(ctx context.Context, a Actor, id assessment.TaskID) (person.ID, application.ID, error) {
	if err := request.CheckID("a task's id", string(id)); err != nil {
		return "", "", err
	}
	var task struct {
		Candidate   person.ID
		Application application.ID
	}
	missing, err := noRows(t.GetContext(ctx, &task, heldTaskOf, id, a.ID))
	if missing {
		return "", "", fault.NotFound.New("you hold no task %s", id)
	}
	return task.Candidate, task.Application, err
}
