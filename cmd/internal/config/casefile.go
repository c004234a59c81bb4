package config

// CaseFiles says what signs case files, and whose are believed.
type CaseFiles struct {
	CaseFileKey string   `name:"casefile-key" help:"Secret key that signs case files." env:"KUTSE_CASEFILE_KEY" type:"path" placeholder:"FILE"`
	Trust       []string `sep:"none" help:"Verifier key to believe case files by." env:"KUTSE_TRUST" placeholder:"VKEY"`
}
