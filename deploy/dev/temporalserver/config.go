package temporalserver

import (
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"

	"github.com/kutse-dev/kutse/schema/fault"
)

const loopback = "127.0.0.1"

// clusterName is written into the database; changing it locks old ones out.
const clusterName = "active"

// ports of the services by their names.
type ports map[primitives.ServiceName]int

var services = []primitives.ServiceName{
	primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
}

// pickPorts finds a free port for each service. All of them are held until the
// last is found, so that no two are the same.
func pickPorts(frontend int) (ports, error) {
	p := ports{}
	for _, name := range services {
		want := 0
		if name == primitives.FrontendService {
			want = frontend
		}
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(want)))
		if err != nil {
			return nil, fault.Unavailable.Because(err, "Temporal cannot listen on port %d: %v", want, err)
		}
		defer l.Close()
		p[name] = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

func (p ports) address(name primitives.ServiceName) string {
	return net.JoinHostPort(loopback, strconv.Itoa(p[name]))
}

// hosts stands in for the ring in which servers of a cluster find each other.
func (p ports) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name := range p {
		hosts[name] = static.Hosts{All: []string{p.address(name)}, Self: p.address(name)}
	}
	return hosts
}

func configuration(p ports, s store) *config.Config {
	c := &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback},
		},
		Persistence: config.Persistence{
			DefaultStore:     "sqlite",
			VisibilityStore:  "sqlite",
			NumHistoryShards: 1, // fixed for the life of a database
			DataStores:       map[string]config.DataStore{"sqlite": {SQL: s}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.address(primitives.FrontendService)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: p.address(primitives.FrontendService)},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		Services: map[string]config.Service{},
	}
	for name, port := range p {
		c.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	return c
}

// pollRate lets a step follow the one before it after 10 ms. The default of 20 a
// second makes the shortest workflow take 100 ms; thousands burn the processor.
const pollRate = 100

// tuning is for one machine with few processors.
func tuning() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.TransferProcessorMaxPollRPS.Key():         pollRate,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():            pollRate,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key():       pollRate,
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		dynamicconfig.EnableServerVersionCheck.Key():            false, // it would call home
	}
}
