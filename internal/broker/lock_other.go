//go:build !unix

package broker

import (
	"errors"
	"os"
)

// tryLock refuses: without a lock that ends with its process two servers could open one store.
func tryLock(*os.File) error { return errors.ErrUnsupported }

// FreeBytes refuses, see tryLock.
func FreeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
