// Package anthropic asks Anthropic's Messages API through the vendor's SDK. The key comes from the configured file alone:
// nothing the SDK would read from the environment (ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, profiles) has any effect.
package anthropic
