package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/alecthomas/kong"

	"github.com/kutse-dev/kutse/schema/fault"
)

// The exit codes that are not of a fault. 75 is EX_TEMPFAIL of sysexits.h: the
// same command may succeed later.
const (
	exitOK       = 0
	exitInternal = 1
	exitUsage    = 2
)

// exitCode says how a command that ended with err leaves the process.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	switch fault.Of(err) {
	case fault.Invalid:
		return exitUsage
	case fault.Forbidden:
		return 3
	case fault.NotFound:
		return 4
	case fault.Conflict:
		return 5
	case fault.Unavailable:
		return 75
	}
	if errors.Is(err, context.Canceled) {
		return exitCode(fault.Unavailable) // interrupted: the same command may succeed later
	}
	return exitInternal
}

// internal is the kind of an error that is no fault, as the door calls it too.
const internal fault.Kind = "internal"

// failure is an error in --json form, on standard error.
type failure struct {
	Error struct {
		Kind    fault.Kind `json:"kind"`
		Message string     `json:"message"`
	} `json:"error"`
}

// report writes err for whoever started the command, and returns the exit code.
func report(w io.Writer, name string, asJSON bool, err error) int {
	code := exitCode(err)
	if code == exitOK {
		return code
	}
	kind, message := fault.Of(err), err.Error()
	if kind == "" {
		kind = internal
	}
	if kind == internal && errors.Is(err, context.Canceled) {
		kind, message = fault.Unavailable, "interrupted"
	}
	text := name + ": " + message
	if asJSON {
		var f failure
		f.Error.Kind, f.Error.Message = kind, message
		if b, err := json.Marshal(f); err == nil {
			text = string(b)
		}
	}
	_, _ = io.WriteString(w, printable(text)+"\n") // there is nowhere left to complain
	return code
}

// misused turns what kong says about the command line into a fault with a way on.
func misused(err error, name string) error {
	var p *kong.ParseError
	if !errors.As(err, &p) {
		return err
	}
	if fault.Of(err) != "" {
		return err
	}
	if p.Context != nil && p.Context.Selected() != nil {
		name = p.Context.Selected().FullPath()
	}
	return fault.Invalid.Because(err, "%v\nTry: %s --help", err, name)
}
