package expr

func mathFuncs() []*Func   { return nil }
func stringFuncs() []*Func { return nil }
func timeFuncs() []*Func   { return nil }
func jsonFuncs() []*Func   { return nil }
func bytesFuncs() []*Func  { return nil }
func regexFuncs() []*Func  { return nil }
func urlFuncs() []*Func    { return nil }
func otherFuncs() []*Func  { return nil }
