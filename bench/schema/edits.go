package main

import "strings"

// Pieces of the tables' definitions that edits replace, as the store prints them.
const (
	words     = "INDEX words_idx arrayFilter(w -> (length(w) >= 3), alphaTokens(lower(body))) TYPE text(tokenizer = 'array', posting_list_codec = 'bitpacking') GRANULARITY 100000000"
	grams     = "INDEX grams_idx arrayFlatten(arrayMap(w -> ngrams(w, 6), arrayFilter(w -> (length(w) >= 12), tokens(lower(body))))) TYPE bloom_filter(0.2) GRANULARITY 1"
	body      = "`body` String CODEC(ZSTD(1))"
	fine      = "index_granularity = 1024"
	coarse    = "index_granularity = 8192"
	spanOrder = "ORDER BY (environment, toStartOfMinute(time), trace, time)"
	logOrder  = "ORDER BY (environment, service, toStartOfMinute(time), severity, time)"
	packed    = "`attributes` Map(LowCardinality(String), String) CODEC(ZSTD(3))"
)

// logEdits are ways to store logs that lost, or won little.
func logEdits() []edited {
	return []edited{
		{name: "no-text-index", pairs: []string{words + ", ", "", grams + ", ", ""}, ask: scanning},
		{name: "all-words", pairs: []string{words, "INDEX words_idx lower(body) TYPE text(tokenizer = 'splitByNonAlpha', posting_list_codec = 'bitpacking')", grams + ", ", ""}, ask: scanning},
		{name: "words-bloom", pairs: []string{words, "INDEX words_idx tokens(lower(body)) TYPE bloom_filter(0.01) GRANULARITY 1"}, ask: func(sql string) string {
			return strings.ReplaceAll(sql, "has(words, 'haystack')", "has(tokens(lower(body)), 'haystack')")
		}},
		{name: "grams-of-8", pairs: []string{"(length(w) >= 12)", "(length(w) >= 8)"}},
		{name: "body-lz4hc", pairs: []string{body, "`body` String CODEC(LZ4HC(3))"}},
		{name: "body-zstd3", pairs: []string{body, "`body` String CODEC(ZSTD(3))"}},
		{name: "attributes-zstd1", pairs: []string{packed, "`attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1))"}},
		{name: "granules-512", pairs: []string{fine, "index_granularity = 512"}},
		{name: "granules-8192", pairs: []string{fine, coarse}},
		{name: "minutes-first", pairs: []string{logOrder, "ORDER BY (environment, toStartOfMinute(time), service, severity, time)"}},
	}
}

func spanEdits() []edited {
	return []edited{
		{name: "services-first", pairs: []string{spanOrder, "ORDER BY (environment, service, toStartOfMinute(time), name, time)"}},
		{name: "granules-1024", pairs: []string{coarse, fine}},
		{name: "attributes-zstd1", pairs: []string{packed, "`attributes` Map(LowCardinality(String), String) CODEC(ZSTD(1))"}},
	}
}

// scanning asks without the conditions that are for indexes.
func scanning(sql string) string {
	return strings.NewReplacer("has(words, 'haystack') AND ", "", "AND hasAll(grams, ngrams({piece:String}, 6))", "").Replace(sql)
}
