//go:build !unix

package spill

import "errors"

var errNoMaps = errors.New("state in files is not supported on this system")

func mapFile(string, int) ([]byte, error) { return nil, errNoMaps }

func unmap([]byte) {}
