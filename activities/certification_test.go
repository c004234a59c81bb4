package activities_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/schema/application"
	"github.com/kutse-dev/kutse/schema/assessment"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
)

// answers is a record that answers everything with the same.
type answers struct {
	due time.Time
	err error
}

func (a answers) OpenAssessment(context.Context, application.ID, []assessment.RoundID) (time.Time, error) {
	return a.due, a.err
}

func (a answers) WeighRounds(context.Context, application.ID) (award.Outcome, error) {
	return award.Award, a.err
}

func (a answers) ProposeAward(context.Context, application.ID) (time.Time, error) {
	return a.due, a.err
}

func (a answers) EnterRegister(context.Context, application.ID) (string, error) {
	return "1-0000001", a.err
}

func (a answers) RemindOverdue(context.Context, application.ID) (time.Time, error) {
	return a.due, a.err
}

func (a answers) Outstanding(context.Context, application.ID) (application.Outstanding, error) {
	return application.Outstanding{State: application.Awarded, LookAt: a.due}, a.err
}

// acts are the activities with what each says it was doing.
func acts(record activities.Record) map[string]func() (any, error) {
	c := &activities.Certification{Record: record}
	rounds := activities.Rounds{Application: "app-1", Rounds: []assessment.RoundID{"r1"}}
	ctx := context.Background()
	return map[string]func() (any, error){
		"opening the assessment of app-1": func() (any, error) { return c.OpenAssessment(ctx, rounds) },
		"weighing app-1":                  func() (any, error) { return c.WeighRounds(ctx, rounds.Application) },
		"proposing on app-1":              func() (any, error) { return c.ProposeAward(ctx, "app-1") },
		"entering app-1 in the register":  func() (any, error) { return c.EnterRegister(ctx, "app-1") },
		"reminding of app-1":              func() (any, error) { return c.RemindOverdue(ctx, "app-1") },
		"looking up app-1":                func() (any, error) { return c.FindOutstanding(ctx, "app-1") },
	}
}

func TestAnActThatFailsSaysWhatItWasDoingAndAnswersNothing(t *testing.T) {
	t.Parallel()
	for doing, act := range acts(answers{due: time.Unix(1, 0), err: fault.Conflict.New("decided already")}) {
		got, err := act()
		var app *temporal.ApplicationError
		if !errors.As(err, &app) || app.Type() != string(fault.Conflict) || app.Message() != "decided already" || !app.NonRetryable() {
			t.Errorf("%s: got %v, want a conflict that is not tried again", doing, err)
			continue
		}
		if cause := app.Unwrap(); cause == nil || !strings.HasPrefix(cause.Error(), doing+": ") {
			t.Errorf("%s: its cause is %v, want it to begin so", doing, cause)
		}
		if !reflect.ValueOf(got).IsZero() {
			t.Errorf("%s: answered %v beside its error, want nothing", doing, got)
		}
	}
	broken := errors.New("disk on fire")
	for doing, act := range acts(answers{err: broken}) {
		if _, err := act(); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), doing+": ") {
			t.Errorf("%s: got %v, want the error with what was being done", doing, err)
		}
	}
}

func TestAnActHandsOnWhatTheRecordAnswers(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	want := map[string]any{
		"opening the assessment of app-1": due, "weighing app-1": award.Award, "proposing on app-1": due,
		"entering app-1 in the register": "1-0000001", "reminding of app-1": due,
		"looking up app-1": application.Outstanding{State: application.Awarded, LookAt: due},
	}
	for doing, act := range acts(answers{due: due}) {
		if got, err := act(); err != nil || !reflect.DeepEqual(got, want[doing]) {
			t.Errorf("%s: got %v, %v; want %v", doing, got, err, want[doing])
		}
	}
}

// A worker knows an activity by its method's name alone: two structs with the same
// one would collide when it starts.
func TestNoTwoActivitiesShareAName(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			receiver := f.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			name := receiver.(*ast.Ident).Name
			if other, taken := of[f.Name.Name]; taken {
				t.Errorf("%s is an activity of %s and of %s", f.Name.Name, other, name)
			}
			of[f.Name.Name] = name
		}
	}
	for _, name := range []string{"OpenAssessment", "FindOutstanding"} {
		if of[name] != "Certification" {
			t.Errorf("the test does not see %s: it saw %v", name, of)
		}
	}
}
