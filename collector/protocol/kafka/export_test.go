package kafka

// Name is what an API is called.
func Name(key int16) string { return apis[key].name }
