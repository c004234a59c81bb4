package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/person"
)

// CouncilCmd is `kutse council`.
type CouncilCmd struct {
	Application CouncilApplicationCmd `cmd:"" help:"Read a case."`
	Audit       CouncilAuditCmd       `cmd:"" help:"Read the audit trail."`
	Entry       CouncilEntryCmd       `cmd:"" help:"Read a register entry."`
	Stats       CouncilStatsCmd       `cmd:"" help:"Count the record."`
}

// Help implements kong.HelpProvider.
func (CouncilCmd) Help() string {
	return `The council reads the record and decides on no candidate.

Example:
  kutse council audit --as nele`
}

// CouncilApplicationCmd is `kutse council application`.
type CouncilApplicationCmd struct {
	Application application.ID `arg:"" help:"Id of the application."`
}

// Help implements kong.HelpProvider.
func (CouncilApplicationCmd) Help() string {
	return "Example:\n  kutse council application $APP --as nele"
}

// Run prints the case.
func (c *CouncilApplicationCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showCase(ctx, g, out, person.Council, "get", "application", c.Application)
}

// CouncilAuditCmd is `kutse council audit`.
type CouncilAuditCmd struct {
	Application application.ID `placeholder:"ID" help:"Only what concerns one application."`
	Limit       int            `placeholder:"N" help:"At most this many rows, from the oldest; all when left out."`
}

// Help implements kong.HelpProvider.
func (CouncilAuditCmd) Help() string {
	return `Who did what to which record, oldest first. Rows are printed as they come, with --json one object a line.

Example:
  kutse council audit --json --as nele > audit.jsonl`
}

// auditPage is how many rows are asked for at once: as many as the door gives.
const auditPage = 500

// Run streams the audit trail.
func (c *CouncilAuditCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Council)
	if err != nil {
		return err
	}
	defer a.Close()
	if !out.JSON {
		if err := out.Line(nil, auditText("TIME", "ACTOR", "ROLE", "ACT", "POSITION", "OBJECT")); err != nil {
			return err
		}
	}
	page := request.AuditPage{Application: c.Application}
	for printed := 0; ; {
		page.Limit = auditPage
		if c.Limit > 0 {
			page.Limit = min(auditPage, c.Limit-printed)
		}
		next, n, err := a.auditPage(ctx, out, page)
		if err != nil {
			return err
		}
		printed += n
		if next == "" || next == page.After || (c.Limit > 0 && printed >= c.Limit) {
			return nil
		}
		page.After = next
	}
}

func (a *asker) auditPage(ctx context.Context, out *Output, page request.AuditPage) (next string, n int, err error) {
	var rows request.Audit
	if err := a.ask(ctx, "get", "audit", page, &rows); err != nil {
		return "", 0, err
	}
	for _, r := range rows.Rows {
		text := auditText(instant(r.At), r.Actor, r.Role, r.Act, strconv.Itoa(r.Position), r.Object)
		if err := out.Line(r, text); err != nil {
			return "", 0, err
		}
	}
	return rows.Next, len(rows.Rows), nil
}

// auditText aligns a row without knowing the others: they are still to come.
func auditText(at, actor, role, act, position, object string) string {
	return fmt.Sprintf("%-23s  %-16s  %-6s  %-20s  %8s  %s", at, actor, role, act, position, object)
}

// CouncilEntryCmd is `kutse council entry`.
type CouncilEntryCmd struct {
	Number string `arg:"" help:"Number in the register."`
}

// Help implements kong.HelpProvider.
func (CouncilEntryCmd) Help() string { return "Example:\n  kutse council entry 100001 --as nele" }

// Run prints the entry.
func (c *CouncilEntryCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	entry, err := asking[request.RegisterEntry](ctx, g, person.Council, "get", "entry", request.OfEntry{Number: c.Number})
	if err != nil {
		return err
	}
	return out.Value(entry, func(w io.Writer) error { return columns(w, entryRows(entry)) })
}

// CouncilStatsCmd is `kutse council stats`.
type CouncilStatsCmd struct{}

// Help implements kong.HelpProvider.
func (CouncilStatsCmd) Help() string { return "Example:\n  kutse council stats --as nele" }

// Run prints the counts.
func (*CouncilStatsCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	stats, err := asking[request.Stats](ctx, g, person.Council, "get", "stats", request.Nothing{})
	if err != nil {
		return err
	}
	return out.Value(stats, func(w io.Writer) error {
		var rows [][]string
		for _, state := range application.States() {
			rows = append(rows, []string{"applications " + string(state), strconv.Itoa(stats.Applications[state])})
		}
		return columns(w, append(rows,
			[]string{"evidence", strconv.Itoa(stats.Submissions)},
			[]string{"verdicts", strconv.Itoa(stats.Verdicts)},
			[]string{"decisions", strconv.Itoa(stats.Decisions)},
			[]string{"register entries", strconv.Itoa(stats.Entries)},
			[]string{"audit rows", strconv.Itoa(stats.AuditRows)},
			[]string{"facts", strconv.Itoa(stats.Events)},
			[]string{"facts not published yet", strconv.Itoa(stats.Unpublished)}))
	})
}
