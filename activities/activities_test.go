package activities_test

import (
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/kutse-dev/kutse/activities"
	"github.com/kutse-dev/kutse/schema/fault"
)

func TestAKindCrossesTemporal(t *testing.T) {
	retried := map[fault.Kind]bool{fault.Unavailable: true}
	for _, kind := range fault.Kinds() {
		err := activities.Report(fmt.Errorf("weighing: %w", kind.New("words")))
		var app *temporal.ApplicationError
		if !errors.As(err, &app) {
			t.Errorf("%s: %v is no application error", kind, err)
			continue
		}
		if app.Type() != string(kind) || app.Message() != "words" || app.NonRetryable() == retried[kind] {
			t.Errorf("%s: type %q, message %q, non-retryable %v", kind, app.Type(), app.Message(), app.NonRetryable())
		}
	}
}

func TestAnOrdinaryErrorIsRetried(t *testing.T) {
	err := errors.New("disk on fire")
	if got := activities.Report(err); !errors.Is(got, err) {
		t.Errorf("got %v, want it as it is", got)
	}
	if activities.Report(nil) != nil {
		t.Error("nothing became an error")
	}
}
