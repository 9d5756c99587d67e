package conform

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// TestFileSuffix ends the names of the test files that users keep next to their SQL.
const TestFileSuffix = ".test.yaml"

// maxTestFile bounds a test file.
const maxTestFile = 8 << 20

// TestFile is a *.test.yaml: statements, and tests of given and wanted rows.
type TestFile struct {
	Path string `yaml:"-"`
	// File is a script beside the test file, SQL are statements behind it; both belong to every test.
	File  string            `yaml:"file"`
	SQL   string            `yaml:"sql"`
	Vars  map[string]string `yaml:"vars"`
	Tests []*Test           `yaml:"tests"`
	text  []byte
}

// Test is one test of a test file.
type Test struct {
	Name string `yaml:"name"`
	SQL  string `yaml:"sql"` // behind the statements of the file; its last SELECT is what Want lists
	// Given are the rows of streams and tables, in the order in which they come.
	Given map[string][]map[string]any `yaml:"given"`
	// Want are the rows of the last SELECT: all of them, in order unless Order is any. Objects lists rows of streams
	// and tables by name.
	Want    []map[string]any            `yaml:"want"`
	Objects map[string][]map[string]any `yaml:"objects"`
	Order   string                      `yaml:"order"`
	// Error is a part of the message, or the code, of an error that the statements must give.
	Error string `yaml:"error"`
	// Dead is how many rows must fail.
	Dead int    `yaml:"dead"`
	Skip string `yaml:"skip"` // why it is not run
}

// FindTests lists the test files in a folder and below, or the file itself, sorted.
func FindTests(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var out []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if p != path && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
		case strings.HasSuffix(d.Name(), TestFileSuffix):
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	slices.Sort(out)
	return out, nil
}

// ReadTestFile reads and checks a test file.
func ReadTestFile(path string) (*TestFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read tests: %w", err)
	}
	if len(text) > maxTestFile {
		return nil, fmt.Errorf("%s has %d bytes; the limit is %d", path, len(text), maxTestFile)
	}
	f := &TestFile{Path: path, text: text}
	if err := yaml.UnmarshalWithOptions(text, f, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(f.Tests) == 0 {
		return nil, fmt.Errorf("%s: it has no tests", path)
	}
	seen := map[string]bool{}
	for i, t := range f.Tests {
		switch {
		case t.Name == "":
			return nil, fmt.Errorf("%s: test %d has no name", path, i+1)
		case seen[t.Name]:
			return nil, fmt.Errorf("%s: two tests are named %q", path, t.Name)
		case t.Order != "" && t.Order != "any" && t.Order != "list":
			return nil, fmt.Errorf("%s: test %q: order is list or any, not %q", path, t.Name, t.Order)
		}
		seen[t.Name] = true
	}
	return f, nil
}

// statements is the script of a test.
func (f *TestFile) statements(t *Test) (string, error) {
	var sb strings.Builder
	if f.File != "" {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(f.Path), f.File))
		if err != nil {
			return "", fmt.Errorf("read the script of the tests: %w", err)
		}
		sb.Write(text)
		sb.WriteString("\n;\n")
	}
	for _, s := range []string{f.SQL, t.SQL} {
		if strings.TrimSpace(s) != "" {
			sb.WriteString(s + "\n;\n")
		}
	}
	return sb.String(), nil
}

// jsonLines writes rows as lines of JSON.
func jsonLines(rows []map[string]any) ([]byte, error) {
	var out []byte
	for i, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

// values gives rows of YAML the form of values read from JSON.
func values(rows []map[string]any) ([]map[string]any, error) {
	out := make([]map[string]any, len(rows))
	for i, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("wanted row %d: %w", i+1, err)
		}
		if err := decodeJSON(line, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// wanted tells whether err is the error that a test wants.
func (t *Test) wanted(err error) bool {
	if strings.Contains(err.Error(), t.Error) {
		return true
	}
	e, ok := err.(*sqlerr.Error) //nolint:errorlint // made by the front end, never wrapped
	return ok && string(e.Code) == t.Error
}
