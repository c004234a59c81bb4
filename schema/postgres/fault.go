package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/fault"
)

// constraints says which broken constraint is a person's doing, and what to tell
// them. A constraint that is not here is ours to keep: breaking it is an internal
// error. A test holds the list to the schema.
var constraints = map[string]error{
	"one_open_application":              fault.Conflict.New("you already have an open application for this standard; `list` shows it"),
	"receipt_once":                      errReceiptExists,
	"person_role_of_a_person":           fault.NotFound.New("no such person"),
	"task_of_an_assessor":               fault.NotFound.New("no such person"),
	"task_not_held_by_its_candidate":    fault.Forbidden.New("nobody judges their own evidence"),
	"verdict_not_yet_shown_says_why":    fault.Invalid.New("say why an indicator is not yet shown"),
	"decision_once_per_proposal":        fault.Conflict.New("this proposal is decided already"),
	"decision_was_reviewed":             fault.Invalid.New("confirm that you reviewed the case"),
	"decision_has_grounds":              fault.Invalid.New("state grounds"),
	"decision_has_a_legal_basis":        fault.Invalid.New("name the legal basis"),
	"decision_refusal_has_reasons":      fault.Invalid.New("a refusal states a reason for each unmet indicator"),
	"decision_return_names_competences": fault.Invalid.New("a return names the competences to assess again"),
}

// errReceiptExists says that another transaction recorded the same request first.
var errReceiptExists = errors.New("the request is in the record already")

// SQLSTATEs that ask for the same transaction again.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func again(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code == serializationFailure || pe.Code == deadlockDetected)
}

// explain turns what PostgreSQL says into a fault, where a person can do
// something about it.
func explain(err error) error {
	var pe *pq.Error
	switch {
	case err == nil, fault.Of(err) != "":
		return err
	case errors.As(err, &pe):
		if known, ok := constraints[pe.Constraint]; ok {
			if kind := fault.Of(known); kind != "" {
				return kind.Because(err, "%s", fault.Message(known))
			}
			return known
		}
		switch pe.Code {
		case "22021", "22P05", "22003", "22008": // a NUL character, a number or a time beyond what the record can hold
			return fault.Invalid.Because(err, "the request holds a character, a number or a time that the record cannot keep")
		}
		if again(err) { // as often as transact tries
			return fault.Unavailable.Because(err, "others change the same right now; try again")
		}
		switch pe.Code.Class() {
		case "08", "53", "57": // connection, resources, shutting down
			return fault.Unavailable.Because(err, "the record cannot be reached right now; try again")
		}
		return err
	case lost(err):
		return fault.Unavailable.Because(err, "the record cannot be reached right now; try again")
	}
	return err
}

func lost(err error) bool {
	var netErr net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr)
}
