package check

import "context"

var erasureRules = []rule{
	{
		name: "erasure.key", says: "Who was erased has no key.",
		source: "GDPR Art 17; our design: erasing the key erases the person", needs: []need{theKeys}, whole: erasedHaveNoKey,
	},
	{
		name: "erasure.keyless", says: "Everybody else has a key.",
		source: "GDPR Art 5(1)(f) (nothing is lost by accident); ISO/IEC 17024:2012, 7.1 (controlled disposal)", needs: []need{theKeys}, whole: othersHaveAKey,
	},
	{
		name: "erasure.act", says: "Nobody acts after having been erased.",
		source: "our design: an erased id never gets another key", whole: erasedDoNotAct,
	},
}

func erasedHaveNoKey(ctx context.Context, r *run, say say) error {
	return r.people(ctx, say, `SELECT e.person AS id, 'erased at ' || e.at || ', and the key is there' AS what
  FROM erasure e JOIN kutse_keys.data_key k ON k.person = e.person ORDER BY 1`)
}

func othersHaveAKey(ctx context.Context, r *run, say say) error {
	return r.people(ctx, say, `SELECT p.id, 'there is no key, and no erasure was recorded' AS what FROM person p
 WHERE NOT EXISTS (SELECT 1 FROM kutse_keys.data_key k WHERE k.person = p.id)
   AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.person = p.id) ORDER BY 1`)
}

func erasedDoNotAct(ctx context.Context, r *run, say say) error {
	return r.people(ctx, say, `SELECT a.actor AS id, 'erased at ' || e.at || ', and did ' || a.act || ' at ' || a.at || ' (audit row ' || a.id || ')' AS what
  FROM audit a JOIN erasure e ON e.person = a.actor WHERE a.at > e.at ORDER BY a.at`)
}

func (r *run) people(ctx context.Context, say say, query string) error {
	var found []struct{ ID, What string }
	err := r.tx.SelectContext(ctx, &found, query)
	for _, f := range found {
		say("person "+f.ID, "%s", f.What)
	}
	return err
}
