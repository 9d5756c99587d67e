package main

import (
	"slices"
	"testing"
)

// TestPropertiesComplete: WITH is completed by the properties there are, those of sinks behind CREATE SINK.
func TestPropertiesComplete(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]bool{
		"CREATE STREAM s (a INT) WITH (": {
			"bucket": true, "refresh": true, "event_time": true, "<property>": false,
		},
		"SHOW STREAMS; CREATE SINK s FROM a TO HTTP 'u' WITH (": {"max_retries": true, "event_time": false},
	} {
		got := keywordsAfter(text)
		for name, there := range want {
			if slices.Contains(got, name) != there {
				t.Errorf("%s: %s is %v among %q", text, name, !there, got)
			}
		}
	}
}
