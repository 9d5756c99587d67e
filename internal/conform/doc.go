// Package conform runs test cases against the engine in this process: the cases of other systems (ksql, velo) and the
// test files that users keep next to their SQL. Each case gets an engine of its own, whose statements go through the
// same parser, planner, operators and formats as those of a server.
package conform
