package postgres

// Walks are the statements of every search of a partitioned table, by table.
func Walks() map[string][]string {
	walks := map[string][]string{}
	for _, led := range auditWalks {
		for _, w := range led {
			walks["audit"] = append(walks["audit"], w.page, w.edge)
		}
	}
	for _, w := range readingWalks {
		walks["reading"] = append(walks["reading"], w.page, w.edge)
	}
	return walks
}

// OnePlan is what every search tells the planner first.
func OnePlan() string { return onePlan }

// Scanned is how many rows a page of a search looks at.
const Scanned = scanned
