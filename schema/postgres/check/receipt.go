package check

import (
	"context"
	"encoding/json"
)

var receiptRules = []rule{
	{
		name: "receipt.digest", says: "A receipt has the digest that the audit row of its request has.",
		source: "our design: acknowledged means committed, and what was asked can be shown", each: receiptsHaveTheDigest, outside: true,
	},
	{
		name: "receipt.audited", says: "No receipt was given for a request that no audit row has.",
		source: "our design: acknowledged means committed", whole: receiptsAreAudited,
	},
}

func receiptsHaveTheDigest(c *facts, say say) {
	for _, a := range c.audits {
		if a.request == "" {
			continue
		}
		one, ok := c.receipts[a.actor+"/"+a.request]
		if !ok {
			say("audit "+a.id, "there is no receipt for request %s of %s", a.request, a.actor)
			continue
		}
		var body struct{ Request, Digest string }
		if err := json.Unmarshal([]byte(one.body), &body); err != nil {
			say("receipt "+a.actor+"/"+a.request, "it cannot be read: %v", err)
		}
		if one.digest != a.payload || body.Digest != a.payload || body.Request != a.request {
			say("receipt "+a.actor+"/"+a.request, "it says %s and %s, and audit row %s says %s", one.digest, body.Digest, a.id, a.payload)
		}
	}
}

func receiptsAreAudited(ctx context.Context, r *run, say say) error {
	return r.each(ctx, "receipt", `
SELECT row_to_json(t)::text FROM receipt t
 WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.at = t.at AND a.actor = t.person AND a.request = t.request)`, func(one row) error {
		say(one.name(), "no audit row has this request at the receipt's time")
		return nil
	})
}
