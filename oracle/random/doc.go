// Package random makes random relations and random queries over them. A query is a small tree that is written down
// twice, for Leat and for DuckDB, and that can be made smaller step by step while it still shows a difference.
package random
