// Package llmtest is a model provider of one's own: servers on loopback that speak the wire protocols of Anthropic, OpenAI
// and Amazon Bedrock as their references describe them, and answer what a script says. They refuse what the vendors
// refuse: a wrong key or signature, unknown fields, tool results without a call. Tests use them through the vendors' real
// SDKs, and so does whatever needs a model that costs nothing.
package llmtest
