package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/person"
)

// showCase reads a case as one role and prints it.
func showCase(ctx context.Context, g *Globals, out *Output, role person.Role, resource, verb string, q request.OfApplication) error {
	cs, err := asking[request.Case](ctx, g, role, resource, verb, q)
	if err != nil {
		return err
	}
	return out.Value(cs, func(w io.Writer) error { return writeCase(w, cs) })
}

func writeCase(w io.Writer, cs request.Case) error {
	rows := [][]string{
		{"application", string(cs.Application)},
		{"candidate", string(cs.Candidate)},
		{"standard", cs.Standard + ", " + cs.Title},
		{"state", string(cs.State)},
		{"opened", instant(cs.OpenedAt)},
	}
	if err := columns(w, rows); err != nil {
		return err
	}
	if err := writeCompetences(w, cs.Competences); err != nil {
		return err
	}
	for _, write := range []func(io.Writer, request.Case) error{writeLacking, writeProposal, writeDecisions, writeEntry} {
		if err := write(w, cs); err != nil {
			return err
		}
	}
	return nil
}

// standing says in words where a competence stands.
func standing(c request.CaseCompetence) string {
	switch {
	case c.Met:
		return "met"
	case c.UnderAssessment:
		return "with an assessor"
	case c.RoundsLeft <= 0 && c.Group != "recurring":
		return "open, no round left"
	default:
		return "open"
	}
}

// textWidth is how much of an indicator's text stands in a line of a case.
const textWidth = 60

func writeCompetences(w io.Writer, all []request.CaseCompetence) error {
	rows := [][]string{{"COMPETENCE", "STANDING", "EVIDENCE", "TITLE"}}
	for _, c := range all {
		title := short(c.Title, textWidth)
		if c.Group == "recurring" {
			title += " (judged along with the others)"
		}
		rows = append(rows, []string{c.Code, standing(c), "", title})
		for _, i := range c.Indicators {
			if i.Assessable {
				rows = append(rows, indicatorRows(i)...)
			}
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return columns(w, rows)
}

func indicatorRows(i request.CaseIndicator) [][]string {
	shown := "open"
	if i.Shown {
		shown = "shown"
	}
	rows := [][]string{{"· " + i.Indicator.String(), shown, strconv.Itoa(i.Evidence), short(i.Text, textWidth)}}
	if i.Reason != "" {
		rows = append(rows, []string{"", "", "", "not yet: " + i.Reason})
	}
	return rows
}

func writeLacking(w io.Writer, cs request.Case) error {
	if len(cs.Lacking) == 0 {
		_, err := fmt.Fprint(w, "\nNothing is lacking for the award.\n")
		return err
	}
	_, err := fmt.Fprintf(w, "\nLacking for the award:\n%s\n", indent(strings.Join(cs.Lacking, "\n"), "  "))
	return err
}

func writeProposal(w io.Writer, cs request.Case) error {
	p := cs.Proposal
	if p == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nProposed to the committee: %s, at %s, due %s\n  proposal %s\n", p.Outcome, instant(p.At), instant(p.DueAt), p.Proposal)
	return err
}

func writeDecisions(w io.Writer, cs request.Case) error {
	for _, d := range cs.Decisions {
		text := fmt.Sprintf("by %s, legal basis %s\n%s", d.Member, d.LegalBasis, d.Grounds)
		for _, r := range d.Reasons {
			text += fmt.Sprintf("\n%s: %s", r.Indicator, r.Reason)
		}
		if len(d.Returned) > 0 {
			text += "\nto assess again: " + strings.Join(d.Returned, ", ")
		}
		text += fmt.Sprintf("\ncan be challenged %s\ndecision %s", d.Challenge, d.Decision)
		if _, err := fmt.Fprintf(w, "\nDecided: %s, at %s\n%s\n", d.Outcome, instant(d.At), indent(text, "  ")); err != nil {
			return err
		}
	}
	return nil
}

func writeEntry(w io.Writer, cs request.Case) error {
	if cs.Entry == nil {
		return nil
	}
	if _, err := fmt.Fprint(w, "\nIn the register:\n"); err != nil {
		return err
	}
	return columns(w, entryRows(*cs.Entry))
}

func entryRows(e request.RegisterEntry) [][]string {
	types := map[int]string{1: "full", 2: "partial", 3: "initial"}
	return [][]string{
		{"number", e.Number},
		{"type", strings.TrimSpace(fmt.Sprintf("%d %s", e.Type, types[e.Type]))},
		{"standard", e.Standard},
		{"candidate", string(e.Candidate)},
		{"valid", e.ValidFrom + " to " + e.ValidTo},
		{"application", string(e.Application)},
		{"decision", string(e.Decision)},
		{"entered", instant(e.At)},
	}
}
