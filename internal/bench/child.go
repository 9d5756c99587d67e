package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// children are the programs that `leat bench --child NAME` runs in a process of their own. Those that serve write
// nothing and end with ctx.
var children = map[string]func(context.Context, []string) (*childReport, error){
	"limit":    childLimit,
	"hand":     childHand,
	"answer":   childAnswer,
	"consumer": childConsumer,
	"append":   childAppend,
	"capacity": childCapacity,
	"input":    childInput,
	"bare":     childBare,
	"hops":     childHops,
	"keys":     childKeys,
	"spill":    childSpill,
	"nexmark":  childNexmark,
}

// Child runs one of this package's programs. It is no part of the command line that users see.
func Child(ctx context.Context, name string, args []string, stdout io.Writer) error {
	f, ok := children[name]
	if !ok {
		return fmt.Errorf("no program %q", name)
	}
	r, err := f(ctx, args)
	if err != nil || r == nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func arg(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

// measured runs f between two looks at the clocks.
func measured(f func() (int64, error)) (*childReport, error) {
	start, c := time.Now(), ownCPU()
	n, err := f()
	return &childReport{Records: n, WallNs: int64(time.Since(start)), CPUNs: int64(ownCPU() - c)}, err
}

func childLimit(_ context.Context, args []string) (*childReport, error) {
	return toFile(runLimit, args)
}

func childHand(_ context.Context, args []string) (*childReport, error) { return toFile(runHand, args) }

// toFile runs a program with the arguments workload, input, table, output, columns of the answer. Without columns the
// rows are not looked at.
func toFile(program func(w, in, table string, out io.Writer) (int64, error), args []string) (*childReport, error) {
	out := arg(args, 3)
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the output: %w", err)
	}
	defer f.Close()
	r, err := measured(func() (int64, error) { return program(arg(args, 0), arg(args, 1), arg(args, 2), f) })
	if err != nil || arg(args, 4) == "" {
		return r, err
	}
	r.Answer, err = answerOf(out, strings.Split(arg(args, 4), ","))
	return r, err
}

// childAnswer sums up the columns (argument 1) of a file of rows (argument 0).
func childAnswer(_ context.Context, args []string) (*childReport, error) {
	a, err := answerOf(arg(args, 0), strings.Split(arg(args, 1), ","))
	return &childReport{Answer: a}, err
}

// childInput writes the rows of the direct workloads and the table of W4, to look at or to profile with. Arguments:
// rows, file of the rows, file of the table.
func childInput(_ context.Context, args []string) (*childReport, error) {
	n, err := number(arg(args, 0))
	if err != nil {
		return nil, err
	}
	return &childReport{Records: int64(n)}, errors.Join(writeTrades(arg(args, 1), n), writeSymbols(arg(args, 2)))
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("argument: %w", err)
	}
	return n, nil
}
