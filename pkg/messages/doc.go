// Package messages is the wire of Leat: the documents that services exchange over JetStream.
//
// It imports nothing of Leat's and knows no transport. docs/wire.md specifies it for other languages.
package messages
