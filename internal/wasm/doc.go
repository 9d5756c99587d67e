// Package wasm runs the functions of CREATE FUNCTION: WebAssembly modules without imports, so that they reach neither
// clock, nor randomness, nor files, nor network. Memory is bounded. Every call sees the module as it was loaded: what a
// call leaves in memory or globals is gone, and the result depends on the arguments alone.
//
// A module exports the function. BOOLEAN and INT are i32 (0 or 1), BIGINT, DATE, TIME, TIMESTAMP and INTERVAL i64,
// DOUBLE f64. STRING and BYTES are two i32, address and length in the exported memory; the module then exports
// alloc(i32) i32, which makes room for an argument, and a result of such a type is one i64: address << 32 | length.
package wasm
