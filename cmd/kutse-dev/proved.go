package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kutse-dev/kutse/cmd/internal/client"
	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/award"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/merkle"
	"github.com/kutse-dev/kutse/schema/person"
)

// proved is where a decision stands in the log, as anybody can check it.
type proved struct {
	Origin   string `json:"origin"`
	Position int64  `json:"position"` // from 0
	Size     int64  `json:"size"`     // entries under the checkpoint
}

func (p proved) String() string {
	return fmt.Sprintf("proved, entry %d of %d in %s", p.Position, p.Size, p.Origin)
}

// The log is sealed about every second.
const (
	sealPatience = 10 * time.Second
	sealLook     = 50 * time.Millisecond
)

// prove asks for the proof of a decision once it is sealed, and checks it as its
// holder would: with nothing but the log's verifier keys.
func prove(ctx context.Context, council *client.Client, decision award.DecisionID) (proved, error) {
	proof, err := sealed(ctx, council, string(decision))
	if err != nil {
		return proved{}, err
	}
	var logs request.LogKeys
	if err := council.Ask(ctx, person.Council, "log", "keys", request.Nothing{}, &logs); err != nil {
		return proved{}, err
	}
	for _, log := range logs.Logs {
		if log.Year != proof.Year {
			continue
		}
		p, err := merkle.ParseProof([]byte(proof.Proof))
		if err != nil {
			return proved{}, err
		}
		c, err := p.Verify([]byte(proof.Entry), log.Keys)
		return proved{log.Origin, proof.Position, c.Size}, err
	}
	return proved{}, fault.Conflict.New("the decision stands in the log of %d, and no keys of that log are told", proof.Year)
}

func sealed(ctx context.Context, council *client.Client, record string) (proof request.Proof, err error) {
	ctx, cancel := context.WithTimeout(ctx, sealPatience)
	defer cancel()
	for {
		err := council.Ask(ctx, person.Council, "log", "prove", request.OfRecord{Record: record}, &proof)
		if fault.Of(err) != fault.Unavailable {
			return proof, err
		}
		select {
		case <-ctx.Done():
			return proof, err
		case <-time.After(sealLook):
		}
	}
}
