// Command leat is streaming SQL for NATS in one binary.
package main

func main() {}
