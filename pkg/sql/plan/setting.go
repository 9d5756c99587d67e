package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leatsql/leat/pkg/sql/ast"
	"github.com/leatsql/leat/pkg/sql/expr"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// settings lists what SET knows, with the allowed values (nil: checked apart).
var settings = map[string][]string{
	"emit":              {"batch", "record"},
	"dialect":           {"leat", "ksql"},
	"auto.offset.reset": {"earliest", "latest"},
	"on_error":          {"dlq", "skip", "fail_fast"},
	"partitions":        nil, // a number: of the sources declared from here on
	settingStateTTL:     nil, // a duration: how long joins keep rows that nothing else bounds
	settingKeyFormat:    nil,
	settingValueFormat:  nil,
}

// Settings of ksqlDB that give the formats of statements without their own.
const (
	settingKeyFormat   = "ksql.persistence.default.format.key"
	settingValueFormat = "ksql.persistence.default.format.value"
)

// settingStateTTL bounds the state of joins of endless streams.
const settingStateTTL = "state.ttl"

// SettingStateTTL is how long, in ms, joins keep rows that nothing else bounds; 0: for ever.
func SettingStateTTL(set map[string]string) int64 {
	ms, _ := ParseDuration(set[settingStateTTL])
	return ms
}

// SettingProfile is the dialect that a session has set.
func SettingProfile(set map[string]string) expr.Profile {
	if set["dialect"] == "ksql" {
		return expr.Ksql
	}
	return expr.Leat
}

// SettingDefaults are what a session brings to a declaration; partitions counts where it sets none.
func SettingDefaults(set map[string]string, partitions int) Defaults {
	return Defaults{
		Partitions: SettingPartitions(set, partitions), Profile: SettingProfile(set),
		KeyFormat: set[settingKeyFormat], ValueFormat: set[settingValueFormat],
	}
}

// DefaultSettings are the values of the settings that a session has not set.
func DefaultSettings() map[string]string {
	return map[string]string{"emit": "batch", "dialect": "leat", "auto.offset.reset": "earliest", "on_error": "dlq"}
}

// SettingPartitions is the number of partitions that a session sets for new sources, or otherwise.
func SettingPartitions(set map[string]string, otherwise int) int {
	if n, err := strconv.Atoi(set["partitions"]); err == nil {
		return n
	}
	return otherwise
}

// CheckSetting refuses a SET of something unknown, or of a value that has no meaning.
func CheckSetting(key, value string, unset bool, at ast.Span) error {
	allowed, ok := settings[key]
	if !ok {
		names := []string{"auto.offset.reset", "dialect", "emit", "on_error", "partitions", settingStateTTL}
		e := sqlerr.New(sqlerr.BadProperty, at, "no setting %q", key)
		if near := sqlerr.Nearest(key, names); near != "" {
			return e.WithHint("did you mean %q?", near)
		}
		return e.WithHint("settings: %s", strings.Join(names, ", "))
	}
	if key == settingKeyFormat || key == settingValueFormat {
		_, err := formatNamed(value, at)
		if unset {
			return nil
		}
		return err
	}
	if key == settingStateTTL && !unset {
		if ms, ok := ParseDuration(value); !ok || ms < 1 {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is no duration", value).WithHint("'1 day', '12h', '30m'")
		}
		return nil
	}
	if key == "partitions" && !unset {
		if n, err := strconv.Atoi(value); err != nil || n < 1 || n > maxPartitions {
			return sqlerr.New(sqlerr.BadProperty, at, "%q is not a number from 1 to %d", value, maxPartitions)
		}
		return nil
	}
	if !unset && !slices.Contains(allowed, value) {
		return sqlerr.New(sqlerr.BadProperty, at, "%q is no value of %q", value, key).
			WithHint("one of: %s", strings.Join(allowed, ", "))
	}
	return nil
}
