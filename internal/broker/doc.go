// Package broker is the NATS server inside Leat: JetStream and, from the first day, two accounts.
//
// Account LEAT holds Leat's own logs and is reached only in-process, by connections of Server.Leat. Account APP is the
// users': every network client falls into it without a name or password. LEAT exports the requests leat.api.> and the
// service discovery $SRV.> to it, and nothing else: a client of APP sees none of Leat's streams, and what it publishes
// under leat.src.> finds none. In LEAT every stream must have MaxBytes, and each account has its share of the store, so
// that no stream of one can starve the other.
package broker
