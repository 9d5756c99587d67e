package wasm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/leatsql/leat/pkg/sql/vector"
)

// The bounds of a module and of a call.
const (
	MaxModuleBytes = 1 << 20
	memoryPages    = 256 // of 64 KiB: 16 MiB
	maxValueBytes  = 1 << 20
	// A call that takes longer stops its query: a result that hangs on the clock would be another one on another
	// machine.
	callTimeout = time.Second
)

// ErrTimeout is a call that took too long.
var ErrTimeout = fmt.Errorf("ran longer than %s", callTimeout)

// Signature is what a statement declares.
type Signature struct {
	Export  string
	Params  []vector.Type
	Returns vector.Type
}

// Module is a loaded function. Several goroutines may call it.
type Module struct {
	sig     Signature
	runtime wazero.Runtime
	code    wazero.CompiledModule
	// keeps tells that a call may leave something behind: each call gets an instance of its own.
	keeps bool

	mu   sync.Mutex
	idle []api.Module // instances of a module that keeps nothing
}

// Load checks a module against a signature and compiles it.
func Load(ctx context.Context, code []byte, sig Signature) (*Module, error) {
	if len(code) > MaxModuleBytes {
		return nil, fmt.Errorf("the module has %d bytes, the limit is %d", len(code), MaxModuleBytes)
	}
	keeps, err := keepsState(code)
	if err != nil {
		return nil, err
	}
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages).
		WithCloseOnContextDone(true).WithDebugInfoEnabled(false))
	m := &Module{sig: sig, runtime: rt, keeps: keeps}
	if m.code, err = rt.CompileModule(ctx, code); err != nil {
		return nil, errors.Join(fmt.Errorf("the module does not compile: %w", err), rt.Close(ctx))
	}
	if err := m.check(); err != nil {
		return nil, errors.Join(err, rt.Close(ctx))
	}
	return m, nil
}

// Close frees the module.
func (m *Module) Close(ctx context.Context) error { return m.runtime.Close(ctx) }

func (m *Module) check() error {
	if list := m.code.ImportedFunctions(); len(list) > 0 {
		module, name, _ := list[0].Import()
		return fmt.Errorf("the module imports %s.%s: a function may not reach outside of itself", module, name)
	}
	if len(m.code.ImportedMemories()) > 0 {
		return errors.New("the module imports a memory: it must have its own")
	}
	f, ok := m.code.ExportedFunctions()[m.sig.Export]
	if !ok {
		return fmt.Errorf("the module exports no function %q", m.sig.Export)
	}
	var want []api.ValueType
	text := isText(m.sig.Returns)
	for _, p := range m.sig.Params {
		t, err := wireTypes(p)
		if err != nil {
			return err
		}
		want, text = append(want, t...), text || isText(p)
	}
	result, err := wireTypes(m.sig.Returns)
	if err != nil {
		return err
	}
	if isText(m.sig.Returns) {
		result = []api.ValueType{api.ValueTypeI64}
	}
	if got, need := signature(f.ParamTypes(), f.ResultTypes()), signature(want, result); got != need {
		return fmt.Errorf("the module's %s is %s, the declaration needs %s", m.sig.Export, got, need)
	}
	if !text {
		return nil
	}
	if len(m.code.ExportedMemories()) == 0 {
		return errors.New("a function of STRING or BYTES needs an exported memory")
	}
	alloc, ok := m.code.ExportedFunctions()["alloc"]
	i32 := []api.ValueType{api.ValueTypeI32}
	if !ok || signature(alloc.ParamTypes(), alloc.ResultTypes()) != signature(i32, i32) {
		return errors.New("a function of STRING or BYTES needs an exported alloc(i32) i32")
	}
	return nil
}

func isText(t vector.Type) bool { return t.Kind == vector.String || t.Kind == vector.Bytes }

func wireTypes(t vector.Type) ([]api.ValueType, error) {
	switch t.Kind {
	case vector.Boolean, vector.Int:
		return []api.ValueType{api.ValueTypeI32}, nil
	case vector.BigInt, vector.Date, vector.Time, vector.Timestamp, vector.Interval:
		return []api.ValueType{api.ValueTypeI64}, nil
	case vector.Double:
		return []api.ValueType{api.ValueTypeF64}, nil
	case vector.String, vector.Bytes:
		return []api.ValueType{api.ValueTypeI32, api.ValueTypeI32}, nil
	default:
		return nil, fmt.Errorf("a function in WebAssembly takes no %s: pass it as STRING or DOUBLE", t)
	}
}

func signature(params, results []api.ValueType) string {
	names := func(list []api.ValueType) string {
		out := make([]string, len(list))
		for i, t := range list {
			out[i] = api.ValueTypeName(t)
		}
		return "(" + strings.Join(out, ", ") + ")"
	}
	return names(params) + " -> " + names(results)
}

// Call applies the function to one row: bool, int64, float64 or []byte, none of them null. The result is of the same
// kinds. An error is one of the row, except ErrTimeout.
func (m *Module) Call(ctx context.Context, args []any) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, ErrTimeout)
	defer cancel()
	in, err := m.instance(ctx)
	if err != nil {
		return nil, m.failed(ctx, err)
	}
	out, err := m.call(ctx, in, args)
	if m.keeps || err != nil {
		_ = in.Close(context.WithoutCancel(ctx)) // nothing of it is used again
	} else {
		m.mu.Lock()
		m.idle = append(m.idle, in)
		m.mu.Unlock()
	}
	if err != nil {
		return nil, m.failed(ctx, err)
	}
	return out, nil
}

func (m *Module) failed(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // without the stack of the module
	return errors.New(strings.TrimPrefix(text, "wasm error: "))
}

func (m *Module) instance(ctx context.Context) (api.Module, error) {
	m.mu.Lock()
	if n := len(m.idle); n > 0 {
		in := m.idle[n-1]
		m.idle = m.idle[:n-1]
		m.mu.Unlock()
		return in, nil
	}
	m.mu.Unlock()
	return m.runtime.InstantiateModule(ctx, m.code, wazero.NewModuleConfig().WithName(""))
}

func (m *Module) call(ctx context.Context, in api.Module, args []any) (any, error) {
	var words []uint64
	for _, a := range args {
		switch v := a.(type) {
		case bool:
			words = append(words, b2u(v))
		case int64:
			words = append(words, uint64(v))
		case float64:
			words = append(words, api.EncodeF64(v))
		case []byte:
			at, err := put(ctx, in, v)
			if err != nil {
				return nil, err
			}
			words = append(words, at, uint64(len(v)))
		}
	}
	for i, k := 0, 0; i < len(m.sig.Params); i++ { // an i32 has no upper half
		if kind := m.sig.Params[i].Kind; kind == vector.Int {
			words[k] = api.EncodeI32(int32(words[k]))
		}
		k++
		if isText(m.sig.Params[i]) {
			k++
		}
	}
	out, err := in.ExportedFunction(m.sig.Export).Call(ctx, words...)
	if err != nil {
		return nil, err
	}
	return m.result(in, out[0])
}

func b2u(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// put copies an argument into the module's memory.
func put(ctx context.Context, in api.Module, v []byte) (uint64, error) {
	if len(v) > maxValueBytes {
		return 0, fmt.Errorf("an argument has %d bytes, the limit is %d", len(v), maxValueBytes)
	}
	at, err := in.ExportedFunction("alloc").Call(ctx, uint64(len(v)))
	if err != nil {
		return 0, err
	}
	if !in.Memory().Write(uint32(at[0]), v) {
		return 0, fmt.Errorf("alloc(%d) gives %d, which is outside of the memory", len(v), uint32(at[0]))
	}
	return uint64(uint32(at[0])), nil
}

func (m *Module) result(in api.Module, w uint64) (any, error) {
	switch m.sig.Returns.Kind {
	case vector.Boolean:
		return uint32(w) != 0, nil
	case vector.Int:
		return int64(int32(uint32(w))), nil
	case vector.Double:
		f := api.DecodeF64(w)
		if math.IsNaN(f) { // which bits a NaN has may differ between machines
			return math.NaN(), nil
		}
		return f, nil
	case vector.String, vector.Bytes:
		at, n := uint32(w>>32), uint32(w)
		if n > maxValueBytes {
			return nil, fmt.Errorf("the result has %d bytes, the limit is %d", n, maxValueBytes)
		}
		b, ok := in.Memory().Read(at, n)
		if !ok {
			return nil, fmt.Errorf("the result (%d bytes at %d) is outside of the memory", n, at)
		}
		if m.sig.Returns.Kind == vector.String && !utf8.Valid(b) {
			return nil, errors.New("the result is no UTF-8")
		}
		return append([]byte{}, b...), nil
	default:
		return int64(w), nil
	}
}
