package conform

import (
	"encoding/xml"
	"fmt"
	"io"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string    `xml:"name,attr"`
	Class   string    `xml:"classname,attr"`
	Failure *junitWhy `xml:"failure,omitempty"`
	Skipped *junitWhy `xml:"skipped,omitempty"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the outcomes in the form that build servers read, a suite for each group.
func WriteJUnit(w io.Writer, outcomes []Outcome) error {
	var all junitSuites
	at := map[string]int{}
	for _, o := range outcomes {
		i, ok := at[o.Group]
		if !ok {
			i = len(all.Suites)
			at[o.Group] = i
			all.Suites = append(all.Suites, junitSuite{Name: o.Group})
		}
		s := &all.Suites[i]
		c := junitCase{Name: o.ID, Class: o.Group}
		s.Tests++
		switch o.Verdict {
		case Failed:
			s.Failures++
			c.Failure = &junitWhy{o.Reason, o.Detail}
		case Skipped:
			s.Skipped++
			c.Skipped = &junitWhy{Message: o.Reason}
		case Passed:
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
