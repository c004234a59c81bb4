package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

func TestAKindIsFoundThroughAnyWrapping(t *testing.T) {
	cause := errors.New("duplicate key")
	for _, kind := range fault.Kinds() {
		err := fmt.Errorf("saving: %w", kind.Because(cause, "the words for %s", "a person"))
		if !errors.Is(err, kind) || fault.Of(err) != kind {
			t.Errorf("%s: errors.Is %v, Of %q", kind, errors.Is(err, kind), fault.Of(err))
		}
		if !errors.Is(err, cause) {
			t.Errorf("%s: the cause is lost", kind)
		}
		if got := fault.Cause(err); !errors.Is(got, cause) {
			t.Errorf("%s: Cause gives %v, want %v", kind, got, cause)
		}
		if got, want := fault.Message(err), "the words for a person"; got != want {
			t.Errorf("%s: message %q, want %q", kind, got, want)
		}
	}
}

func TestAnOrdinaryErrorIsNoFault(t *testing.T) {
	err := errors.New("disk on fire")
	if fault.Of(err) != "" || fault.Message(err) != "" {
		t.Errorf("got kind %q, message %q; want none", fault.Of(err), fault.Message(err))
	}
}
