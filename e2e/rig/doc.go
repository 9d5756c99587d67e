// Package rig runs the real binary for tests: processes that are started, killed and waited for within bounds, the
// statements they answer, and the clients of users beside them. It knows nothing of how Leat works inside.
package rig
