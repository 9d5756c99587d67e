package plan

import (
	"slices"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// settings lists what SET knows, with the allowed values (nil: any).
var settings = map[string][]string{
	"emit":              {"batch", "record"},
	"dialect":           {"leat"},
	"auto.offset.reset": {"earliest", "latest"},
	"on_error":          {"dlq", "skip", "fail_fast"},
}

// CheckSetting refuses a SET of something unknown, or of a value that has no meaning.
func CheckSetting(key, value string, unset bool, at ast.Span) error {
	allowed, ok := settings[key]
	if !ok {
		names := []string{"auto.offset.reset", "dialect", "emit", "on_error"}
		e := sqlerr.New(sqlerr.BadProperty, at, "no setting %q", key)
		if near := sqlerr.Nearest(key, names); near != "" {
			return e.WithHint("did you mean %q?", near)
		}
		return e.WithHint("settings: %s", strings.Join(names, ", "))
	}
	if key == "dialect" && value == "ksql" && !unset {
		return sqlerr.New(sqlerr.NotSupported, at, "the ksql dialect is not supported yet")
	}
	if !unset && !slices.Contains(allowed, value) {
		return sqlerr.New(sqlerr.BadProperty, at, "%q is no value of %q", value, key).
			WithHint("one of: %s", strings.Join(allowed, ", "))
	}
	return nil
}
