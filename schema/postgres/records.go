package postgres

import (
	"encoding/hex"
	"time"

	"github.com/lib/pq"

	"github.com/kutse-dev/kutse/schema/canon"
)

// row is what an act recorded in one row: column name to value, as the digest of
// the row is made of it. What is NULL in the database is not in it.
type row map[string]any

// recorded notes a row that this act records. Its digest stands in the audit row,
// and so in the log: the row cannot be changed afterwards without being found.
// kind is the table; what is sealed goes in sealed, so that an erasure breaks no
// digest.
func (c *change) recorded(kind, id string, r row) error {
	digest, err := rowDigest(r)
	if err != nil {
		return err
	}
	c.records = append(c.records, kind+" "+id+" "+digest.String())
	return nil
}

// rowDigest is SHA-256 over the canonical JSON of a row: bytes in hexadecimal,
// times in RFC 3339, UTC, to the microsecond.
func rowDigest(r row) (canon.Digest, error) {
	plain := make(row, len(r))
	for name, value := range r {
		if v := plainValue(value); v != nil {
			plain[name] = v
		}
	}
	return canon.DigestOf(plain)
}

func plainValue(value any) any {
	switch v := value.(type) {
	case []byte:
		if v == nil {
			return nil
		}
		return hex.EncodeToString(v)
	case pq.ByteaArray:
		list := make([]string, 0, len(v))
		for _, b := range v {
			list = append(list, hex.EncodeToString(b))
		}
		return list
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return value
}
