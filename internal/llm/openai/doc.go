// Package openai asks OpenAI's Chat Completions API, which compatible endpoints speak too, through the vendor's SDK. The
// key comes from the configured file alone: nothing the SDK would read from the environment (OPENAI_API_KEY,
// OPENAI_BASE_URL, OPENAI_ORG_ID and others) has any effect. Calls are not stored at the vendor (store: false).
package openai
