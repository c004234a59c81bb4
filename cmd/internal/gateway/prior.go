package gateway

import (
	"context"

	"github.com/kutse-dev/kutse/events/request"
	"github.com/kutse-dev/kutse/schema/blob"
	"github.com/kutse-dev/kutse/schema/casefile"
	"github.com/kutse-dev/kutse/schema/fault"
	"github.com/kutse-dev/kutse/schema/postgres"
)

// foreign bounds what is read of a case file that somebody brought: several times
// the largest case that there can be here.
var foreign = casefile.Limits{Archive: 4 << 30, Files: 5000, Evidence: 1 << 30, Other: 8 << 20}

// bringPrior reads and verifies the file beside the record, and then records what it
// says. Who signed it need not be known here: that is shown, and whoever reads it
// judges.
func (d *Door) bringPrior(ctx context.Context, a postgres.Actor, q request.BringPrior) (request.Receipt, error) {
	if err := d.Record.Holds(ctx, a); err != nil {
		return request.Receipt{}, err
	}
	done, err := d.heavy.begin(ctx)
	if err != nil {
		return request.Receipt{}, err
	}
	defer done()
	file, err := d.Blobs.OpenFile(a.ID, q.File)
	if err != nil {
		return request.Receipt{}, err
	}
	defer file.Close() // only read from
	brought, err := d.verify(a, q, file)
	if err != nil {
		return request.Receipt{}, err
	}
	return d.Record.BringPrior(ctx, a, q, brought)
}

func (d *Door) verify(a postgres.Actor, q request.BringPrior, file *blob.File) (postgres.Brought, error) {
	stored, err := d.Blobs.Stat(a.ID, q.File)
	if err != nil {
		return postgres.Brought{}, err
	}
	archive, err := casefile.Open(file, stored.Size, foreign)
	if err != nil {
		return postgres.Brought{}, err
	}
	b := postgres.Brought{Report: archive.Verify(casefile.Trust{Signers: d.Trust, Logs: d.Trust})}
	if !b.Report.Sound() {
		return b, unsound(b.Report)
	}
	if b.Case, err = archive.Case(); err != nil {
		return b, err
	}
	b.Standard, err = archive.Standard()
	return b, err
}

func unsound(r casefile.Report) error {
	switch n := len(r.Problems); n {
	case 0:
		return fault.Invalid.New("signature: nobody signed this case file")
	case 1:
		return fault.Invalid.New("this case file is not what was signed, or does not fit together: %s", r.Problems[0])
	default:
		return fault.Invalid.New("this case file is not what was signed, or does not fit together: %s (and %d more)", r.Problems[0], n-1)
	}
}
