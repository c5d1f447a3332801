// Package llm is the only way to a model provider. It knows the words of a conversation with a model, the errors a
// provider can give, what an answer costs, and the gate that lets nothing out unless policy says so at that moment. The
// providers live in sub-packages, each on its vendor's own SDK. Only the worker's model role uses it.
package llm
