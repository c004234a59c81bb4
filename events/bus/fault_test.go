package bus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kutse-dev/kutse/schema/fault"
)

func TestEveryKindOfFaultHasItsAnswer(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]answer{
		fault.Invalid:     bury,
		fault.Forbidden:   bury,
		fault.NotFound:    again,
		fault.Conflict:    done,
		fault.Unavailable: again,
	}
	for _, kind := range fault.Kinds() {
		w, ok := want[kind]
		if !ok {
			t.Errorf("%s has no answer here: say what becomes of such a delivery", kind)
		}
		if got := answerTo(fmt.Errorf("handling: %w", kind.New("words"))); got != w {
			t.Errorf("%s: got %d, want %d", kind, got, w)
		}
	}
	if got := answerTo(nil); got != done {
		t.Errorf("no error: got %d, want %d", got, done)
	}
	if got := answerTo(errors.New("disk on fire")); got != again {
		t.Errorf("an ordinary error: got %d, want %d", got, again)
	}
}
