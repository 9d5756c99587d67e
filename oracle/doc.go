// Package oracle compares Leat with DuckDB, an independent engine: the queries of Nexmark, and random queries over
// random data. It is a module of its own because DuckDB needs a C compiler; Leat itself does not.
package oracle
