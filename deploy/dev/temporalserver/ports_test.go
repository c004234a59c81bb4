package temporalserver

import (
	"net"
	"strings"
	"testing"
)

func TestPortsDiffer(t *testing.T) {
	t.Parallel()
	p, err := pickPorts(0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for name, port := range p {
		if seen[port] {
			t.Errorf("%s has a port that another service has too", name)
		}
		seen[port] = true
	}
	if len(seen) != 4 {
		t.Errorf("picked %d ports for four services", len(seen))
	}
}

// Somebody takes a port after we found it free. Temporal calls that fatal and
// would end the process.
func TestAPortTakenMeanwhileIsAnError(t *testing.T) {
	t.Parallel()
	for _, service := range services {
		t.Run(string(service), func(t *testing.T) {
			t.Parallel()
			p, err := pickPorts(0)
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", p.address(service))
			if err != nil {
				t.Skip("the port went to somebody else")
			}
			defer l.Close()
			_, err = start(t.Context(), Options{}.complete(), p)
			if err == nil || !strings.Contains(err.Error(), inUse) {
				t.Errorf("got %v, want an error that makes us pick other ports", err)
			}
		})
	}
}
