// Command leat is streaming SQL for NATS in one binary.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker (see Makefile).
var version = "dev"

func main() {
	// A pipe that is closed early is an error of its write, not the death of the process.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(execute(process{
		args: os.Args[1:], lookupEnv: os.LookupEnv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}
