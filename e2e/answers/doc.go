// Package answers runs questions about real data whose answers other engines have computed, and compares.
package answers
