package answers

import "testing"

// The comparison itself must find what is wrong.
func TestCompare(t *testing.T) {
	t.Parallel()
	want := "k,n,x\na,1,30.40\nb,,1.00000000001\n\"\",3,\"q\"\"uote, comma\"\n"
	for _, c := range []struct {
		name, got string
		same      bool
	}{
		{"itself", want, true},
		{"another order", "k,n,x\n\"\",3,\"q\"\"uote, comma\"\nb,,1.00000000001\na,1,30.40\n", true},
		{"columns in another order", "n,k,x\n1,a,30.4\n,b,1\n3,\"\",\"q\"\"uote, comma\"\n", true},
		{"another value", "k,n,x\na,2,30.40\nb,,1.00000000001\n\"\",3,\"q\"\"uote, comma\"\n", false},
		{"null is no zero", "k,n,x\na,1,30.40\nb,0,1.00000000001\n\"\",3,\"q\"\"uote, comma\"\n", false},
		{"null is no empty string", "k,n,x\na,1,30.40\nb,,1.00000000001\n,3,\"q\"\"uote, comma\"\n", false},
		{"a row less", "k,n,x\na,1,30.40\nb,,1.00000000001\n", false},
		{"a row twice", want + "a,1,30.40\n", false},
		{"a double too far", "k,n,x\na,1,30.40\nb,,1.0001\n\"\",3,\"q\"\"uote, comma\"\n", false},
		{"a column less", "k,n\na,1\nb,\n\"\",3\n", false},
	} {
		g, err := parseCSV(c.got)
		if err != nil {
			t.Fatal(err)
		}
		w, err := parseCSV(want)
		if err != nil {
			t.Fatal(err)
		}
		if diffs := compare(g, w, []string{"k"}, tolerances("x")); (len(diffs) == 0) != c.same {
			t.Errorf("%s: %v", c.name, diffs)
		}
	}
}
