// Package activities makes happen what a workflow decided. Each is one act on the
// record, harmless when it runs twice.
//
// It knows Temporal's activity side and nothing else of the outside: what it
// touches, it asks for in an interface of its own.
package activities

import (
	"go.temporal.io/sdk/temporal"

	"github.com/kutse-dev/kutse/schema/fault"
)

// Report turns an error into one that crosses Temporal with its kind: a fault
// that no retry can mend fails at once, everything else is retried under the
// caller's policy (reference/style.md 9).
func Report(err error) error {
	if err == nil {
		return nil
	}
	kind := fault.Of(err)
	switch kind {
	case fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict:
		return temporal.NewNonRetryableApplicationError(fault.Message(err), string(kind), err)
	case fault.Unavailable:
		return temporal.NewApplicationErrorWithCause(fault.Message(err), string(kind), err)
	default:
		return err
	}
}
