// Package source reads rows of users from where they come: files, standard input, HTTP, NATS subjects and streams, a
// generator. A Source gives bytes with their position; a Reader makes batches of them. Neither needs a broker of Leat's
// own: services/ingest appends what a Reader gives to a topic, leat run feeds it to operators.
package source
