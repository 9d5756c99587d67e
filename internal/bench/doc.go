// Package bench measures Leat beside its limits: programs made for the one schema of the workloads, a program written
// by hand with encoding/json, raw JetStream. The rules of measuring:
//
//   - Leat is measured as users run it: `leat run` and `leat dev` as child processes, CPU and peak memory of the whole
//     process, its start included. Limits are children of the same binary that take their own CPU time between the
//
// first
//
//	  and the last record, so a limit is never made to look slower than it is.
//	- Leat and its limits run in turns, over some rounds behind one that is thrown away; medians count.
//	- CPU time comes before wall time, which is good on a quiet machine only.
//	- Every run's answer is checked against that of the limit program, and that one against the program written by
//	  hand: rows and a checksum that does not hang on their order. A fast wrong answer is an error.
//
// All input is made here from fixed seeds.
package bench
