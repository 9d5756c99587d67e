package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is a flag value that is one of some words, so that a wrong one is an error and not silently something else.
type choice struct {
	to      *string
	allowed []string
}

// newChoice makes *to a flag value with a default.
func newChoice(to *string, def string, allowed ...string) *choice {
	*to = def
	return &choice{to: to, allowed: allowed}
}

// String implements pflag.Value.
func (c *choice) String() string { return *c.to }

// Type implements pflag.Value; it is what help shows.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

// Set implements pflag.Value.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("one of %s", strings.Join(c.allowed, ", "))
	}
	*c.to = s
	return nil
}
