package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// AssessorCmd is `kutse assessor`.
type AssessorCmd struct {
	List     AssessorListCmd     `cmd:"" help:"List the tasks you hold and those you can claim."`
	Claim    AssessorClaimCmd    `cmd:"" help:"Take a task."`
	Release  AssessorReleaseCmd  `cmd:"" help:"Give a task back."`
	Evidence AssessorEvidenceCmd `cmd:"" help:"Read the evidence of a task you hold."`
	File     AssessorFileCmd     `cmd:"" help:"Fetch a file that is evidence in a task you hold."`
	Prior    AssessorPriorCmd    `cmd:"" help:"Read a prior assessment of a task's candidate."`
	Judge    AssessorJudgeCmd    `cmd:"" help:"Judge what a task asks."`
}

// Help implements kong.HelpProvider.
func (AssessorCmd) Help() string {
	return `A task is one competence that a candidate handed in. Claim it, read its evidence, judge each indicator.

Example:
  kutse assessor claim --as a-2b9e`
}

// AssessorListCmd is `kutse assessor list`.
type AssessorListCmd struct {
	Limit int `default:"100" help:"At most this many of each, up to 100."`
}

// Help implements kong.HelpProvider.
func (AssessorListCmd) Help() string { return "Example:\n  kutse assessor list --as a-2b9e" }

// Run lists the tasks.
func (c *AssessorListCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	tasks, err := asking[request.Tasks](ctx, g, person.Assessor, "task", "list", request.TaskPage{Limit: c.Limit})
	if err != nil {
		return err
	}
	rows := append(taskRows("held", tasks.Held), taskRows("open", tasks.Open)...)
	return out.Table(tasks, []string{"TASK", "", "DUE", "HELD UNTIL", "COMPETENCE", "ROUND", "TITLE"}, rows, "There is no task for you.")
}

func taskRows(state string, tasks []request.Task) [][]string {
	var rows [][]string
	for _, t := range tasks {
		lease := "-"
		if t.LeaseUntil != nil {
			lease = instant(*t.LeaseUntil)
		}
		rows = append(rows, []string{
			string(t.Task), state, instant(t.DueAt), lease, t.Standard + " " + t.Competence, strconv.Itoa(t.Number), short(t.Title, 40),
		})
	}
	return rows
}

// AssessorClaimCmd is `kutse assessor claim`.
type AssessorClaimCmd struct {
	Task     assessment.TaskID `arg:"" optional:"" help:"Id of the task; the earliest due one when left out."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AssessorClaimCmd) Help() string {
	return `You hold the task until the time that is printed; after that somebody else may claim it.

Example:
  kutse assessor claim --as a-2b9e`
}

// Run claims the task.
func (c *AssessorClaimCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Assessor, "task", "claim", request.ClaimTask{Acting: id, Task: c.Task})
}

func claimedRows(t *request.ClaimedTask) [][]string {
	rows := [][]string{
		{"task", string(t.Task)},
		{"competence", t.Competence},
		{"to judge", joined(t.Asked)},
	}
	if len(t.Offered) > 0 {
		rows = append(rows, []string{"may be judged", joined(t.Offered)})
	}
	return append(rows,
		[]string{"held until", instant(t.LeaseUntil)},
		[]string{"due", instant(t.DueAt)},
		[]string{"fence", strconv.Itoa(t.Fence)})
}

func joined(ids []catalogue.IndicatorID) string {
	var texts []string
	for _, id := range ids {
		texts = append(texts, id.String())
	}
	return strings.Join(texts, " ")
}

// AssessorReleaseCmd is `kutse assessor release`.
type AssessorReleaseCmd struct {
	Task     assessment.TaskID `arg:"" help:"Id of the task."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AssessorReleaseCmd) Help() string {
	return "Example:\n  kutse assessor release $TASK --as a-2b9e"
}

// Run gives the task back.
func (c *AssessorReleaseCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	return acting(ctx, g, out, person.Assessor, "task", "release", request.ReleaseTask{Acting: id, Task: c.Task})
}

// AssessorEvidenceCmd is `kutse assessor evidence`.
type AssessorEvidenceCmd struct {
	Task assessment.TaskID `arg:"" help:"Id of the task."`
}

// Help implements kong.HelpProvider.
func (AssessorEvidenceCmd) Help() string {
	return `Prints what is to be judged, in the words of the standard, and the evidence as it was frozen when the competence was handed in.

Example:
  kutse assessor evidence $TASK --as a-2b9e`
}

// Run prints the evidence.
func (c *AssessorEvidenceCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	a, err := g.dial(person.Assessor)
	if err != nil {
		return err
	}
	defer a.Close()
	found, err := taskEvidence(ctx, a, c.Task)
	if err != nil {
		return err
	}
	return out.Value(found, func(w io.Writer) error {
		var rows [][]string
		for _, i := range found.Indicators {
			rows = append(rows, []string{i.Indicator.String(), i.Text})
		}
		if err := columns(w, rows); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		return writeItems(w, found.Items)
	})
}

// taskEvidence asks for all pages of a task's evidence.
func taskEvidence(ctx context.Context, a *asker, task assessment.TaskID) (request.TaskEvidence, error) {
	var all request.TaskEvidence
	for next := 0; ; {
		var page request.TaskEvidence
		if err := a.ask(ctx, "task", "evidence", request.TaskEvidencePage{Task: task, After: next}, &page); err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		all, next = page, page.Next
		if next == 0 {
			return all, nil
		}
	}
}

// AssessorFileCmd is `kutse assessor file`.
type AssessorFileCmd struct {
	Task      assessment.TaskID `arg:"" help:"Id of the task."`
	FileFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AssessorFileCmd) Help() string {
	return `The file is written once it is whole and is what its SHA-256 says.

Example:
  kutse assessor file $TASK $SHA256 -o plan.pdf --as a-2b9e`
}

// Run fetches the file.
func (c *AssessorFileCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	return c.fetch(ctx, g, out, person.Assessor, request.ReadFile{Task: c.Task})
}

// AssessorJudgeCmd is `kutse assessor judge`.
type AssessorJudgeCmd struct {
	Task     assessment.TaskID       `arg:"" help:"Id of the task."`
	Shown    []catalogue.IndicatorID `placeholder:"INDICATOR" help:"An indicator that is shown."`
	NotYet   []Reasoned              `sep:"none" placeholder:"INDICATOR=REASON" help:"An indicator that is not yet shown, and why: the reason is the candidate's way on."`
	AllShown bool                    `help:"All that is asked and offered is shown, but for --not-yet."`
	Fence    int                     `placeholder:"N" help:"Fence from the claim: refuses when somebody claimed the task since."`
	ActFlags `embed:""`
}

// Help implements kong.HelpProvider.
func (AssessorJudgeCmd) Help() string {
	return `When everything asked has its verdict, the task is done. What the verdicts amount to is not for the assessor to say.

Example:
  kutse assessor judge $TASK --as a-2b9e \
    --shown B.2.3/1 --not-yet "B.2.3/2=the plan names no risks"`
}

// Run gives the verdicts.
func (c *AssessorJudgeCmd) Run(ctx context.Context, g *Globals, out *Output) error {
	id, err := c.acting()
	if err != nil {
		return err
	}
	if len(c.Shown)+len(c.NotYet) == 0 && !c.AllShown {
		return fault.Invalid.New("give at least one verdict: --shown B.2.3/1, --not-yet B.2.3/2=REASON, or --all-shown")
	}
	a, err := g.dial(person.Assessor)
	if err != nil {
		return err
	}
	defer a.Close()
	shown := c.Shown
	if c.AllShown {
		task, err := taskEvidence(ctx, a, c.Task)
		if err != nil {
			return err
		}
		shown = append(slices.Clone(shown), remaining(task.Indicators, shown, c.NotYet)...)
	}
	return a.actAndPrint(ctx, out, "verdict", "give", request.GiveVerdicts{
		Acting: id, Task: c.Task, Fence: c.Fence, Verdicts: verdicts(shown, c.NotYet),
	})
}

// remaining are the indicators of a task that nothing else was said about.
func remaining(all []request.CaseIndicator, shown []catalogue.IndicatorID, notYet []Reasoned) []catalogue.IndicatorID {
	var rest []catalogue.IndicatorID
	for _, i := range all {
		judged := slices.ContainsFunc(notYet, func(r Reasoned) bool { return r.Indicator == i.Indicator })
		if !judged && !slices.Contains(shown, i.Indicator) {
			rest = append(rest, i.Indicator)
		}
	}
	return rest
}

func verdicts(shown []catalogue.IndicatorID, notYet []Reasoned) []request.Verdict {
	var list []request.Verdict
	for _, id := range shown {
		list = append(list, request.Verdict{Indicator: id, Outcome: assessment.Shown})
	}
	for _, r := range notYet {
		list = append(list, request.Verdict{Indicator: r.Indicator, Outcome: assessment.NotYetShown, Reason: r.Reason})
	}
	return list
}
