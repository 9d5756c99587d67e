package vector

// appendNestedJSON appends row i of a nested vector, which is not null.
func appendNestedJSON(dst []byte, v *Vector, i int) []byte {
	switch v.Type.Kind {
	case Struct:
		dst = append(dst, '{')
		for k, kid := range v.Kids {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendJSONString(dst, []byte(v.Type.Fields[k].Name)), ':')
			dst = AppendJSON(dst, kid, i)
		}
		return append(dst, '}')
	case Map:
		from, to := v.Elements(i)
		dst = append(dst, '{')
		for e := from; e < to; e++ {
			if e > from {
				dst = append(dst, ',')
			}
			dst = append(appendJSONKey(dst, v.Kids[0], e), ':')
			dst = AppendJSON(dst, v.Kids[1], e)
		}
		return append(dst, '}')
	default:
		from, to := v.Elements(i)
		dst = append(dst, '[')
		for e := from; e < to; e++ {
			if e > from {
				dst = append(dst, ',')
			}
			dst = AppendJSON(dst, v.Kids[0], e)
		}
		return append(dst, ']')
	}
}

// appendJSONKey appends a map key as the name of an object's member: its text, quoted.
func appendJSONKey(dst []byte, v *Vector, i int) []byte {
	if v.Type.Kind == String {
		return AppendJSONString(dst, v.Bytes(i))
	}
	return AppendJSONString(dst, AppendText(nil, v, i))
}
