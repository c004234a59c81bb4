// Package cli is the command line: what can be asked at the door, and what an
// operator does beside it. A command is a struct; its fields are flags and
// arguments, Run does it, Help gives an example.
//
// Results go to standard output and talk to standard error. With --json a result
// is JSON: the reply of the door as it came, or one value a line where a command
// streams; an error is {"error":{"kind","message"}} on standard error.
//
// The package knows no rule and holds no right: it asks as the person that --as
// names. It must not start a server; that is kutse-dev.
package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"
)

// Commands are the commands of kutse. kutse-dev embeds them beside its own.
type Commands struct {
	Candidate   CandidateCmd   `cmd:"" group:"people" help:"Apply, put evidence forward, hand in."`
	Assessor    AssessorCmd    `cmd:"" group:"people" help:"Claim tasks and judge them."`
	Committee   CommitteeCmd   `cmd:"" group:"people" help:"Read cases and decide on them."`
	Council     CouncilCmd     `cmd:"" group:"people" help:"Read the record."`
	Audit       AuditCmd       `cmd:"" group:"people" help:"Check that the record is what it was."`
	CaseFile    CaseFileCmd    `cmd:"" name:"casefile" group:"people" help:"Check and read a case file."`
	Operator    OperatorCmd    `cmd:"" group:"people" help:"Load people, standards and procedures."`
	Standard    StandardCmd    `cmd:"" group:"people" help:"Import and read standards."`
	Serve       ServeCmd       `cmd:"" group:"system" help:"Run the services."`
	Migrate     MigrateCmd     `cmd:"" group:"system" help:"Bring the database up to date."`
	Keys        KeysCmd        `cmd:"" group:"system" help:"Look after the key that the keys of people are wrapped under."`
	Reconcile   ReconcileCmd   `cmd:"" group:"system" help:"Find and mend what an outage left behind."`
	DeadLetters DeadLettersCmd `cmd:"" group:"system" help:"Look after facts that nobody could handle."`
	Version     VersionCmd     `cmd:"" group:"system" help:"Print the version."`
}

const description = "Certify occupational competence: evidence, assessment, decision, register."

// Main runs kutse with args and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var grammar struct {
		Globals
		Commands
	}
	return Run(ctx, "kutse", description, &grammar, args, stdout, stderr)
}

// ended carries the exit code of a parser that has done all there is to do, as
// after --help.
type ended int

// Run parses args by grammar, a pointer to a struct that embeds Globals, runs the
// command and returns the exit code. Run methods may ask for a context.Context,
// *Output, *Globals, and whatever binds holds. Nothing outlives Run.
func Run(ctx context.Context, name, description string, grammar any, args []string, stdout, stderr io.Writer, binds ...any) (code int) {
	defer func() {
		// kong ends the process where it is; here it ends the function.
		if p := recover(); p != nil {
			e, ok := p.(ended)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	out := &Output{Stdout: stdout, Stderr: stderr}
	parser, err := newParser(ctx, name, description, grammar, out, binds)
	if err != nil {
		return report(stderr, name, false, fmt.Errorf("building the command line: %w", err))
	}
	if len(args) == 0 && parser.Model.DefaultCmd == nil {
		args = []string{"--help"} // whoever types the bare name wants to know what there is
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return report(stderr, name, wantsJSON(args), misused(err, name))
	}
	return report(stderr, name, out.JSON, parsed.Run())
}

func newParser(ctx context.Context, name, description string, grammar any, out *Output, binds []any) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name(name), kong.Description(description), kong.Vars{"nats": defaultNATS},
		kong.Writers(out.Stdout, out.Stderr),
		kong.Exit(func(code int) { panic(ended(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(append([]any{out}, binds...)...),
		kong.IgnoreFields(`^\w*\.NATS$`), // config's own --nats: it is one of Globals
		kong.ExplicitGroups([]kong.Group{
			{Key: "people", Title: "Commands for people:"},
			{Key: "system", Title: "Commands for whoever runs it:"},
			{Key: "everywhere", Title: "With every command:"},
		}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 80}),
	)
}

// wantsJSON says whether a command line that cannot be parsed asks for JSON.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json")
}
