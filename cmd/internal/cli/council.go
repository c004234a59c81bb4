package cli

import (
	"context"
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
	Timeline    CouncilTimelineCmd    `cmd:"" help:"Read what happened in a case."`
	CaseFile    CouncilCaseFileCmd    `cmd:"" name:"casefile" help:"Put a case into one signed archive."`
	Prior       CouncilPriorCmd       `cmd:"" help:"Read a prior assessment."`
	Readings    CouncilReadingsCmd    `cmd:"" help:"Search who read whose data."`
	Sample      CouncilSampleCmd      `cmd:"" help:"Draw cases at random, provably."`
	Finding     CouncilFindingCmd     `cmd:"" help:"File and read what auditors found."`
	Retention   CouncilRetentionCmd   `cmd:"" help:"See until when a person's data is kept."`
	Due         CouncilDueCmd         `cmd:"" help:"List the people whose terms are over."`
	Hold        CouncilHoldCmd        `cmd:"" help:"Keep a person's data from erasure."`
	Erase       CouncilEraseCmd       `cmd:"" help:"Erase a person, for good."`
}

// Help implements kong.HelpProvider.
func (CouncilCmd) Help() string {
	return `The council reads the record and decides on no candidate.

Example:
  kutse council audit --as n-c46b`
}

// CouncilApplicationCmd is `kutse council application`.
type CouncilApplicationCmd struct {
	Application  application.ID `arg:"" help:"Id of the application."`
	PurposeFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilApplicationCmd) Help() string {
	return "Example:\n  kutse council application $APP --as n-c46b"
}

// Run prints the case.
func (c *CouncilApplicationCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return showCase(ctx, g, out, person.Council, "get", "application", request.OfApplication{Application: c.Application, Purpose: c.purpose()})
}

// CouncilAuditCmd is `kutse council audit`.
type CouncilAuditCmd struct {
	TrailFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (CouncilAuditCmd) Help() string {
	return `Who did what to which record, oldest first. Filters go together. Rows are printed as they come, all pages, with --json one object a line. A candidate sees that their trail was read.

Example:
  kutse council audit --json --as n-c46b > audit.jsonl
  kutse council audit --candidate c-7f3a --purpose complaint --as n-c46b
  kutse council audit --standard it-manager-7 --act decision.make \
    --from 2026-01-01 --to 2026-04-01 --csv --as n-c46b > decisions.csv`
}

// Run streams the audit trail.
func (c *CouncilAuditCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.stream(ctx, g, out)
}

// CouncilEntryCmd is `kutse council entry`.
type CouncilEntryCmd struct {
	Number string `arg:"" help:"Number in the register."`
}

// Help implements kong.HelpProvider.
func (CouncilEntryCmd) Help() string { return "Example:\n  kutse council entry 1-000001 --as n-c46b" }

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
func (CouncilStatsCmd) Help() string { return "Example:\n  kutse council stats --as n-c46b" }

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
			[]string{"facts not published yet", strconv.Itoa(stats.Unpublished)},
			[]string{"audit rows not sealed yet", strconv.Itoa(stats.Unsealed)}))
	})
}
