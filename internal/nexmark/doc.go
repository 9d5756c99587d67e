// Package nexmark makes the events of the Nexmark benchmark (persons, auctions and bids of an auction house) and holds
// its queries in Leat's dialect. Events depend on seed, settings and their number alone, so that a generator can begin
// anywhere. The rules follow the generators of nexmark/nexmark and Apache Beam.
package nexmark
