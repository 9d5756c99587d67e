// Package e2e tests Leat from outside: the real binary in processes of its own, killed, paused, filled up and fed with
// garbage, beside users' clients that know nothing of it. The tests need the build tag e2e (make e2e).
package e2e
