package operator

// The codes of errors of rows that operators find themselves; expressions have codes of their own.
const (
	CodeOverflow     = "LEAT-5201" // a number does not fit its type
	CodeOutOfRange   = "LEAT-5202" // a value that the operator cannot hold
	CodeNotSupported = "LEAT-5203" // a change of a row that the operator cannot follow
)
