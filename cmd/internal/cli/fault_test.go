package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

func TestEveryKindOfFaultHasItsExitCode(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Invalid: 2, fault.Forbidden: 3, fault.NotFound: 4, fault.Conflict: 5, fault.Unavailable: 75,
	}
	for _, kind := range fault.Kinds() {
		code, ok := want[kind]
		if !ok {
			t.Errorf("no exit code is promised for %s", kind)
		}
		if got := exitCode(fmt.Errorf("wrapped: %w", kind.New("words"))); got != code {
			t.Errorf("%s exits with %d, want %d", kind, got, code)
		}
	}
	if got := exitCode(errors.New("disk on fire")); got != 1 {
		t.Errorf("an ordinary error exits with %d, want 1", got)
	}
	if got := exitCode(nil); got != 0 {
		t.Errorf("no error exits with %d, want 0", got)
	}
}

func TestAnErrorIsToldToPeopleAndToMachines(t *testing.T) {
	t.Parallel()
	gone := fault.NotFound.New("there is no task 7")
	for name, c := range map[string]struct {
		err  error
		json bool
		want string
	}{
		"a fault in words":                    {gone, false, "kutse: there is no task 7\n"},
		"a fault as JSON":                     {gone, true, `{"error":{"kind":"not_found","message":"there is no task 7"}}` + "\n"},
		"an error of ours as JSON":            {errors.New("disk on fire"), true, `{"error":{"kind":"internal","message":"disk on fire"}}` + "\n"},
		"an interrupt":                        {fmt.Errorf("asking: %w", context.Canceled), false, "kutse: interrupted\n"},
		"an error that commands the terminal": {fault.Invalid.New("\x1b[2J\u202egone"), false, "kutse: \ufffd[2J\ufffdgone\n"},
		"no error":                            {nil, true, ""},
	} {
		var w bytes.Buffer
		report(&w, "kutse", c.json, c.err)
		if w.String() != c.want {
			t.Errorf("%s: told %q, want %q", name, w.String(), c.want)
		}
	}
}
