// Package web is how a Leat process serves HTTP: on loopback only until there is authentication, behind checks of Host
// and Origin, with limits and timeouts. What is served comes as a handler from above; errors are problem+json.
package web
