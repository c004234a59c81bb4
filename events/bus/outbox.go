package bus

import "context"

// Outbox is where the record keeps the facts that are still to be published: a
// row in the transaction that made the fact true. bustest.Outbox is what an
// implementation owes, as tests.
type Outbox interface {
	// Lead waits until this is the only relay. led is cancelled when that is no
	// longer certain, and when release is called. release is called once.
	Lead(ctx context.Context) (led context.Context, release func(), err error)

	// Pending returns up to limit facts that are not yet sent. Those of one order
	// key come in the order in which they were committed, and never one before an
	// earlier one that is pending too.
	Pending(ctx context.Context, limit int) ([]Outgoing, error)

	// Sent takes facts out of the outbox. Ids that are not there are fine.
	Sent(ctx context.Context, ids []int64) error

	// Wakeups sends when there may be something pending. It is a hint: some may be
	// missing, and the channel may be closed.
	Wakeups(ctx context.Context) (<-chan struct{}, error)
}

// Outgoing is a fact on its way out.
type Outgoing struct {
	ID       int64  // in the outbox
	EventID  string // of the envelope; what the stream knows it by
	OrderKey string // facts of one key are published in their order
	Subject  string
	Body     []byte // the envelope
}
