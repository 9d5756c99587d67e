package conform

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// Save writes the wanted rows of the tests back into the file; the rest of it, comments included, stays.
func (f *TestFile) Save() error {
	file, err := parser.ParseBytes(f.text, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	for i, t := range f.Tests {
		if t.Error != "" || t.Skip != "" {
			continue
		}
		for name, v := range map[string]any{"want": t.Want, "objects": t.Objects} { // any order: distinct places
			if name == "objects" && len(t.Objects) == 0 {
				continue
			}
			text, err := yaml.Marshal(map[string]any{name: rowsForYAML(v)})
			if err != nil {
				return fmt.Errorf("write wanted rows: %w", err)
			}
			if err := merge(file, fmt.Sprintf("$.tests[%d]", i), name, string(text)); err != nil {
				return fmt.Errorf("%s: test %q: %w", f.Path, t.Name, err)
			}
		}
	}
	out := strings.TrimRight(file.String(), "\n") + "\n"
	if err := os.WriteFile(f.Path, []byte(out), 0o644); err != nil { //nolint:gosec // a file of the user's sources
		return fmt.Errorf("write tests: %w", err)
	}
	return nil
}

// merge puts `name: rows` into the mapping at path, in the place of an entry of that name.
func merge(file *ast.File, path, name, text string) error {
	at, err := yaml.PathString(path)
	if err != nil {
		return fmt.Errorf("place %s: %w", path, err)
	}
	node, err := at.FilterFile(file)
	if err != nil {
		return fmt.Errorf("place %s: %w", path, err)
	}
	if m, ok := node.(*ast.MappingNode); ok {
		m.Values = slices.DeleteFunc(
			m.Values,
			func(v *ast.MappingValueNode) bool { return v.Key.GetToken().Value == name },
		)
	}
	if err := at.MergeFromReader(file, strings.NewReader(text)); err != nil {
		return fmt.Errorf("place %s: %w", path, err)
	}
	return nil
}

// rowsForYAML gives rows the types that YAML writes as they read back.
func rowsForYAML(v any) any {
	switch v := v.(type) {
	case []map[string]any:
		out := make([]any, len(v))
		for i, r := range v {
			out[i] = rowsForYAML(r)
		}
		return out
	case map[string][]map[string]any:
		out := map[string]any{}
		for k, r := range v { // any order: a map again
			out[k] = rowsForYAML(r)
		}
		return out
	case map[string]any:
		out := make(yaml.MapSlice, 0, len(v))
		for _, k := range sortedKeys(v) {
			out = append(out, yaml.MapItem{Key: k, Value: rowsForYAML(v[k])})
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rowsForYAML(e)
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil || !equalNumber(v, string(vector.AppendDouble(nil, f))) {
			return string(v) // a DECIMAL with more digits than a double holds: as text
		}
		return f
	}
	return v
}
