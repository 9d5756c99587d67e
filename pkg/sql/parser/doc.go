// Package parser reads the text of the dialect into the syntax tree.
//
// A script is cut at its semicolons, so that a mistake in one statement hides none in the next. Each statement gets its
// variables, is cut into tokens whose spans lie in the script as it was given, and is read by recursive descent;
// expressions by precedence. After the first syntax error in a statement the parser stands at its end: every loop ends,
// nothing is read twice, and the statement is dropped. Constructs that are understood but not run are errors of code
// NotSupported, which do not stop the reading.
package parser
