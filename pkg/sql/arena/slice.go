package arena

import (
	"reflect"
	"slices"
	"unsafe"
)

// Append is append for one value of flat state.
func Append[T any](s *Space, a []T, v T) []T {
	if len(a) == cap(a) {
		a = grow(s, a, 1)
	}
	return append(a, v)
}

// AppendAll is append for flat state.
func AppendAll[T any](s *Space, a, values []T) []T {
	if cap(a)-len(a) < len(values) {
		a = grow(s, a, len(values))
	}
	return append(a, values...)
}

// Make makes a slice of n zeros.
func Make[T any](s *Space, n int) []T {
	if s == nil {
		return make([]T, n)
	}
	size := sizeOf[T]() * int64(n)
	if s.b.take(size) {
		s.memory += size
		return make([]T, n)
	}
	if a := place[T](s, n); a != nil {
		return a[:n:n]
	}
	s.count(size, 0)
	return make([]T, n)
}

// Adopt counts a slice that was made without the space.
func Adopt[T any](s *Space, a []T) {
	if s != nil {
		s.count(int64(cap(a))*sizeOf[T](), 0)
	}
}

// Free gives a slice back and returns nil. In the store it can be read until Collect.
func Free[T any](s *Space, a []T) []T {
	if s != nil && cap(a) > 0 && !s.drop(first(a)) {
		s.count(-int64(cap(a))*sizeOf[T](), 0)
	}
	return nil
}

// Fit gives back the room of a slice that is far above its length.
func Fit[T any](s *Space, a []T) []T {
	if int64(cap(a))*sizeOf[T]() <= Least || 4*len(a) > cap(a) {
		return a
	}
	b := Make[T](s, len(a))
	copy(b, a)
	Free(s, a)
	return b
}

func sizeOf[T any]() int64 {
	var v T
	return int64(unsafe.Sizeof(v))
}

// first is the address of a slice's memory.
func first[T any](a []T) *byte { return (*byte)(unsafe.Pointer(unsafe.SliceData(a))) }

// grow makes room for n values more.
func grow[T any](s *Space, a []T, n int) []T {
	if s == nil {
		return slices.Grow(a, n)
	}
	size := sizeOf[T]()
	old := int64(cap(a)) * size
	if _, found := s.regions[first(a)]; found {
		old = 0
	}
	want := max(len(a)+n, cap(a)+cap(a)/4)
	if !s.b.take(int64(want)*size - old) {
		if b := place[T](s, max(want, 2*cap(a))); b != nil {
			b = b[:len(a)]
			copy(b, a)
			Free(s, a)
			return b
		}
	} else {
		s.b.memory.Add(old - int64(want)*size)
	}
	b := slices.Grow(slices.Clip(a), max(want-len(a), n)) // never in place: a region is not Go's memory
	s.count(int64(cap(b))*size, 0)
	Free(s, a)
	return b
}

// place makes a slice of at least n values in the store, empty but for zeros; nil: it stays in memory.
func place[T any](s *Space, n int) []T {
	size := sizeOf[T]()
	if n == 0 || int64(n)*size < int64(s.b.least) || !flat(reflect.TypeFor[T]()) {
		return nil
	}
	r := s.open(int(int64(n) * size))
	if r == nil {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(r))), int64(len(r))/size)
}

// flat reports whether values of a type hold no pointers: the garbage collector does not look into a store.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !flat(f.Type) {
				return false
			}
		}
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128
	}
}
