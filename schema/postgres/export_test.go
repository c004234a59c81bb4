package postgres

// Statements is every statement there is, for the test that prepares them.
func Statements() []string { return statements }

// Constraints is what is known to be a person's doing, by constraint name.
func Constraints() map[string]error { return constraints }

// SaltsGiven are the acts whose salts go into a case file.
func SaltsGiven() []string { return saltsGiven }
