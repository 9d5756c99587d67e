// Package format turns rows of users (JSON, CSV, msgpack, raw text) into columns, and columns into rows again.
//
// A Decoder reads bytes into a Builder; a row that does not fit the schema leaves no trace in the columns and becomes
// a BadRow. Nothing here reads a clock, a file or a network.
//
// Choices where users' data is doubtful: bytes in a string that are no UTF-8 become U+FFFD each; of a key that occurs
// twice in an object the last value counts; keys match columns exactly or, failing that, without regard to case; a
// DECIMAL never rounds, so a value with too many places is a bad row; an integer may be written 1.0 or 1e3.
package format
