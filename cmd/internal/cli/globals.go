package cli

import (
	"time"

	"github.com/alecthomas/kong"

	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/person"
)

// Globals are the flags that stand with every command.
type Globals struct {
	JSON    bool          `name:"json" group:"everywhere" help:"Print JSON instead of text."`
	Address string        `name:"nats" group:"everywhere" env:"KUTSE_NATS" placeholder:"URL" help:"NATS address; else that of the kutse-dev that runs here, else ${nats}."`
	As      string        `group:"everywhere" env:"KUTSE_AS" placeholder:"UID" help:"Who you are."`
	Timeout time.Duration `group:"everywhere" default:"30s" help:"How long to wait for an answer."`
	Verbose bool          `short:"v" group:"everywhere" help:"Say more on standard error."`
}

// AfterApply hands the flags to the commands.
func (g *Globals) AfterApply(parsed *kong.Context, out *Output) error {
	out.JSON = g.JSON
	parsed.Bind(g)
	if g.Timeout <= 0 {
		return fault.Invalid.New("--timeout is longer than nothing, as in 30s")
	}
	return nil
}

// defaultNATS is where NATS is when nobody says anything else.
const defaultNATS = "nats://127.0.0.1:4222"

// NATSAddress is where NATS is.
func (g *Globals) NATSAddress() string {
	if g.Address != "" {
		return g.Address
	}
	if running := runningNATS(dataFolder()); running != "" {
		return running
	}
	return defaultNATS
}

// uid is who asks.
func (g *Globals) uid() (person.ID, error) {
	if g.As == "" {
		return "", fault.Invalid.New("say who you are: --as c-7f3a, or KUTSE_AS=c-7f3a in the environment")
	}
	return person.ParseID(g.As)
}
