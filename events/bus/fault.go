package bus

import "github.com/kutse-dev/kutse/schema/fault"

// answer is what becomes of a delivery.
type answer int

const (
	again answer = iota // handed over again later; a dead letter when deliveries run out
	done                // never handed over again
	bury                // a dead letter at once: it would fail for ever
)

// answerTo says what becomes of a delivery whose handler returned err. This is
// the only place where a kind of fault turns into an answer to JetStream.
func answerTo(err error) answer {
	if err == nil {
		return done
	}
	switch fault.Of(err) {
	case fault.Invalid, fault.Forbidden:
		return bury
	case fault.Conflict:
		return done // it is so already, which is what a second delivery finds
	case fault.NotFound:
		return again // the fact may be ahead of its cause
	case fault.Unavailable:
		return again
	default:
		return again // we broke; a person is called when deliveries run out
	}
}
