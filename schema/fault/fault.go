// Package fault says what a person can do about an error.
//
// An error that a boundary must answer differently is a fault of one of five
// kinds, with a message fit for the person who meets it. Every other error is
// ours: we broke, and the person gets a reference number.
//
// The package knows nothing of NATS, Temporal, PostgreSQL or the command line;
// each of them turns a kind into its own answer in one function of its own.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what can be done about an error. A Kind is itself an error, so
// errors.Is(err, fault.NotFound) holds through any wrapping.
type Kind string

// The kinds. A new one must be answered at every boundary; their tests walk Kinds.
const (
	Invalid     Kind = "invalid"     // the caller must change the request
	Forbidden   Kind = "forbidden"   // someone else may do this
	NotFound    Kind = "not_found"   // no such thing, or not yours to see
	Conflict    Kind = "conflict"    // true once, no longer; or done already
	Unavailable Kind = "unavailable" // the same request may succeed later
)

// Kinds returns every kind, for the tests that hold each boundary to all of them.
func Kinds() []Kind { return []Kind{Invalid, Forbidden, NotFound, Conflict, Unavailable} }

// Error implements error.
func (k Kind) Error() string { return string(k) }

// New makes a fault of this kind. The message is shown to the person as it is.
func (k Kind) New(format string, args ...any) error {
	return &fault{kind: k, message: fmt.Sprintf(format, args...)}
}

// Because makes a fault of this kind that keeps its cause for the log; the
// cause is not part of what the person sees.
func (k Kind) Because(cause error, format string, args ...any) error {
	return &fault{kind: k, message: fmt.Sprintf(format, args...), cause: cause}
}

// Of returns the kind of err, or "" when err is not a fault.
func Of(err error) Kind {
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return ""
}

// Message returns the words of a fault for the person who meets it, without
// the wrapping that says where in our code it passed; "" when err is no fault.
func Message(err error) string {
	var f *fault
	if errors.As(err, &f) {
		return f.message
	}
	return ""
}

// Cause returns what a fault keeps for the log; nil when there is nothing.
func Cause(err error) error {
	var f *fault
	if errors.As(err, &f) {
		return f.cause
	}
	return nil
}

type fault struct {
	kind    Kind
	message string
	cause   error
}

func (f *fault) Error() string { return f.message }

func (f *fault) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}
