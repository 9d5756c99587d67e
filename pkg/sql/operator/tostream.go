package operator

import "github.com/leatsql/leat/pkg/sql/vector"

// ToStream makes rows of a changelog: Insert and UpdateAfter leave as inserts, Delete and UpdateBefore are dropped
// (Filtered).
type ToStream struct {
	Schema *vector.Schema
}
