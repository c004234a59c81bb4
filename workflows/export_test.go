package workflows

// For the tests of the workflow's side.
const (
	FactSignal = factSignal
	Recovered  = recovered
	Pause      = pause
)

// FactOf is what the workflow is told of an event.
var FactOf = factOf
