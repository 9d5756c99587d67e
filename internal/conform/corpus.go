package conform

import (
	"io"
	"regexp"

	"github.com/leatsql/leat/pkg/sql/parser"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// corpusCase is a statement that must parse, or must not.
type corpusCase struct {
	ID       string   `json:"id"`
	SQL      string   `json:"sql"`
	Parses   *bool    `json:"parses"`
	Basis    string   `json:"basis"`
	Features []string `json:"features"`
	Quirk    any      `json:"quirk"`
}

type corpusSuite struct{ cases []*corpusCase }

func readCorpus(r io.Reader) (Suite, error) {
	cases, err := readLines[*corpusCase](r)
	return &corpusSuite{cases}, err
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)`)

// variables defines every variable of a text: which ones there are is the reader's business, not the parser's.
func variables(text string) map[string]string {
	vars := map[string]string{}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		vars[m[1]] = m[1]
	}
	return vars
}

// IDs implements Suite.
func (s *corpusSuite) IDs() []string {
	ids := make([]string, len(s.cases))
	for i, c := range s.cases {
		ids[i] = c.ID
	}
	return ids
}

// Run implements Suite. A construct that is understood and refused by its name has been parsed.
func (s *corpusSuite) Run(i int, _ Options) []Outcome {
	c := s.cases[i]
	out := guarded(c.ID, c.Basis, func() []Outcome {
		statements, errs := parser.Parse(c.SQL, parser.Options{Vars: variables(c.SQL)})
		syntax := ""
		for _, e := range errs {
			if e.Code != sqlerr.NotSupported && syntax == "" {
				syntax = e.Error()
			}
		}
		switch {
		case c.Parses == nil || c.Quirk != nil:
			return []Outcome{skipped(c.ID, c.Basis, "its fate is not known")}
		case *c.Parses && syntax != "":
			return []Outcome{failed(c.ID, c.Basis, "does not parse: "+syntax, c.SQL)}
		case !*c.Parses && len(errs) == 0 && len(statements) > 0:
			return []Outcome{failed(c.ID, c.Basis, "parses, want a refusal", c.SQL)}
		}
		return []Outcome{passed(c.ID, c.Basis)}
	})
	for k := range out {
		out[k].Features = c.Features
	}
	return out
}
