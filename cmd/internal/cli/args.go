package cli

import (
	"strings"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/catalogue"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Reasoned is INDICATOR=REASON on the command line. A reason has any characters,
// also = and commas.
type Reasoned request.Reason

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Reasoned) UnmarshalText(text []byte) error {
	indicator, reason, ok := strings.Cut(string(text), "=")
	if !ok || strings.TrimSpace(reason) == "" {
		return fault.Invalid.New(`%.80q is no reason; write indicator and reason, as in "B.2.3/1=the plan lacks a risk analysis"`, text)
	}
	id, err := catalogue.ParseIndicatorID(indicator)
	if err != nil {
		return fault.Invalid.Because(err, "%v", err)
	}
	*r = Reasoned{Indicator: id, Reason: reason}
	return nil
}

// ScopeArg is STANDARD[:CODE,CODE] on the command line.
type ScopeArg request.Scope

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *ScopeArg) UnmarshalText(text []byte) error {
	standard, codes, listed := strings.Cut(string(text), ":")
	scope := ScopeArg{Standard: standard}
	if listed {
		scope.Competences = strings.Split(codes, ",")
	}
	for _, part := range append([]string{standard}, scope.Competences...) {
		if part == "" || strings.ContainsAny(part, " \t\n:,") {
			return fault.Invalid.New("%.80q is no scope; write a standard and, to narrow it, competences, as in it-manager-7:B.2.1,B.2.3", text)
		}
	}
	*s = scope
	return nil
}

// RoleArg is a role on the command line: its short name or its word.
type RoleArg person.Role

var roleWords = map[string]person.Role{
	"candidate": person.Candidate, "assessor": person.Assessor, "committee": person.Committee,
	"council": person.Council, "operator": person.Operator,
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *RoleArg) UnmarshalText(text []byte) error {
	if role, ok := roleWords[string(text)]; ok {
		*r = RoleArg(role)
		return nil
	}
	role, err := person.ParseRole(string(text))
	if err != nil {
		return fault.Invalid.New("%.30q is no role; roles are candidate, assessor, committee, council and operator", text)
	}
	*r = RoleArg(role)
	return nil
}

func reasons(given []Reasoned) []request.Reason {
	var list []request.Reason
	for _, r := range given {
		list = append(list, request.Reason(r))
	}
	return list
}
