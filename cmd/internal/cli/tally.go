package cli

import (
	"fmt"
	"io"
	"time"
)

// tallyEvery is how often long work says elsewhere than on a terminal how far it is.
const tallyEvery = 10 * time.Second

// tally tells on standard error how far long work has come: on a terminal as it goes,
// elsewhere now and then.
type tally struct {
	out  *Output
	live bool
	said time.Time
	open bool // a line that is not ended stands on the terminal
}

func newTally(out *Output) *tally {
	return &tally{out: out, live: isTerminal(out.Stderr), said: time.Now()}
}

// of returns what is told how many things of how many are done.
func (t *tally) of(what, name string) func(done, total int64) {
	return func(done, total int64) {
		text := fmt.Sprintf("%s: %d of %d %s", name, done, total, what)
		if name == "" {
			text = fmt.Sprintf("%d of %d %s", done, total, what)
		}
		switch {
		case t.live:
			_, _ = io.WriteString(t.out.Talk(), "\r"+text) // talk
			t.open = true
		case time.Since(t.said) >= tallyEvery:
			t.out.Tell("%s", text)
			t.said = time.Now()
		}
	}
}

// clear takes the line off the terminal.
func (t *tally) clear() {
	if t.open {
		_, _ = io.WriteString(t.out.Talk(), "\r\x1b[K") // talk
		t.open = false
	}
}
