package privacy

import "strings"

// minVendor is the shortest token that is looked at for what it is.
const minVendor = 16

// vendors are tokens that say whose they are: a prefix, and how much must follow it.
var vendors = []struct {
	prefix string
	kind   string
	least  int // bytes after the prefix
	upper  bool
}{
	{"AKIA", "aws-key", 16, true},
	{"ASIA", "aws-key", 16, true},
	{"ABIA", "aws-key", 16, true},
	{"ACCA", "aws-key", 16, true},
	{"ABSK", "bedrock-key", 24, false},
	{"bedrock-api-key-", "bedrock-key", 20, false},
	{"AIza", "google-key", 35, false},
	{"ya29.", "google-token", 20, false},
	{"GOCSPX-", "google-secret", 20, false},
	{"ghp_", "github-token", 20, false},
	{"gho_", "github-token", 20, false},
	{"ghu_", "github-token", 20, false},
	{"ghs_", "github-token", 20, false},
	{"ghr_", "github-token", 20, false},
	{"github_pat_", "github-token", 20, false},
	{"glpat-", "gitlab-token", 16, false},
	{"glrt-", "gitlab-token", 16, false},
	{"gldt-", "gitlab-token", 16, false},
	{"glcbt-", "gitlab-token", 16, false},
	{"glptt-", "gitlab-token", 16, false},
	{"gloas-", "gitlab-token", 16, false},
	{"xoxb-", "slack-token", 10, false},
	{"xoxp-", "slack-token", 10, false},
	{"xoxa-", "slack-token", 10, false},
	{"xoxs-", "slack-token", 10, false},
	{"xoxr-", "slack-token", 10, false},
	{"xoxe.", "slack-token", 10, false},
	{"xapp-", "slack-token", 10, false},
	{"sk_live_", "stripe-key", 10, false},
	{"sk_test_", "stripe-key", 10, false},
	{"rk_live_", "stripe-key", 10, false},
	{"rk_test_", "stripe-key", 10, false},
	{"whsec_", "stripe-key", 16, false},
	{"sk-ant-", "anthropic-key", 16, false},
	{"sk-proj-", "openai-key", 16, false},
	{"sk-svcacct-", "openai-key", 16, false},
	{"sk-or-", "openrouter-key", 16, false},
	{"sk-", "api-key", 20, false},
	{"gsk_", "groq-key", 20, false},
	{"xai-", "xai-key", 20, false},
	{"pplx-", "perplexity-key", 20, false},
	{"hf_", "huggingface-token", 20, false},
	{"r8_", "replicate-token", 20, false},
	{"nvapi-", "nvidia-key", 20, false},
	{"npm_", "npm-token", 30, false},
	{"pypi-", "pypi-token", 30, false},
	{"dckr_pat_", "docker-token", 20, false},
	{"dop_v1_", "digitalocean-token", 32, false},
	{"SG.", "sendgrid-key", 30, false},
	{"shpat_", "shopify-token", 20, false},
	{"shpss_", "shopify-token", 20, false},
	{"sq0atp-", "square-token", 20, false},
	{"sq0csp-", "square-token", 20, false},
	{"hvs.", "vault-token", 20, false},
	{"hvb.", "vault-token", 20, false},
	{"dapi", "databricks-token", 32, false},
	{"NRAK-", "newrelic-key", 20, false},
	{"glsa_", "grafana-token", 20, false},
	{"glc_", "grafana-token", 20, false},
	{"PMAK-", "postman-key", 20, false},
	{"lin_api_", "linear-key", 20, false},
	{"ntn_", "notion-token", 30, false},
	{"AGE-SECRET-KEY-", "age-key", 40, false},
	{"fo1_", "fly-token", 20, false},
	{"HRKU-", "heroku-key", 20, false},
	{"rubygems_", "rubygems-key", 30, false},
	{"pul-", "pulumi-token", 30, false},
	{"tfp_", "typeform-token", 30, false},
	{"sntrys_", "sentry-token", 20, false},
	{"figd_", "figma-token", 20, false},
	{"doppler", "doppler-token", 60, false},
	{"EAACEdEose0cBA", "facebook-token", 10, false},
	{"ATATT3", "atlassian-token", 20, false},
	{"ATCTT3", "atlassian-token", 20, false},
	{"mw_", "midwatch-token", 20, false},
}

// vendorsByFirst has the indexes of vendors by their first byte.
var vendorsByFirst = func() (t [256][]int) {
	for i, v := range vendors {
		t[v.prefix[0]] = append(t[v.prefix[0]], i)
	}
	return t
}()

// secretPrefix returns the kind of the token that text begins with, if its form is known.
func secretPrefix(text string) string {
	if text == "" {
		return ""
	}
	for _, i := range vendorsByFirst[text[0]] {
		v := &vendors[i]
		if !strings.HasPrefix(text, v.prefix) || tokenLen(text[len(v.prefix):], v.upper) < v.least {
			continue
		}
		if rest := text[len(v.prefix):]; v.upper || wordy(rest[:tokenLen(rest, false)]) < 0.7 {
			return v.kind
		}
	}
	if nkeySeed(text) {
		return "nkey-seed"
	}
	return ""
}

// tokenLen is how many bytes at the start of t a token can be made of.
func tokenLen(t string, upperOnly bool) int {
	for i := range len(t) {
		c := t[i]
		if isDigit(c) || isUpper(c) || !upperOnly && (isLower(c) || c == '-' || c == '_' || c == '.' || c == '=') {
			continue
		}
		return i
	}
	return len(t)
}

// nkeySeed: "S", the kind of key, and base32: 58 characters in all. NATS keys without the S are public.
func nkeySeed(t string) bool {
	if len(t) < 58 || t[0] != 'S' || strings.IndexByte("UAONCX", t[1]) < 0 {
		return false
	}
	for i := range 58 {
		if c := t[i]; !isUpper(c) && (c < '2' || c > '7') {
			return false
		}
	}
	return len(t) == 58 || !alphanumeric(t[58])
}

// jwt tells whether t begins with a JSON web token, whole or cut off, and how long that is.
func jwt(t string) int {
	if !strings.HasPrefix(t, "eyJ") {
		return 0
	}
	end := tokenLen(t, false)
	if end < 20 || !strings.Contains(t[:end], ".") && end < 36 {
		return 0
	}
	return end
}

// passwordHash marks crypt's formats: $2b$…, $6$…, $argon2id$….
func (s *scanner) passwordHash(i int) int {
	t := s.text[i:min(len(s.text), i+maxAuthority)]
	for _, p := range [...]string{"$2a$", "$2b$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$7$", "$argon2", "$scrypt$", "$pbkdf2", "$apr1$"} {
		if !strings.HasPrefix(t, p) {
			continue
		}
		end := len(p)
		for end < len(t) && (alphanumeric(t[end]) || strings.IndexByte("$./=,+-", t[end]) >= 0) {
			end++
		}
		if end < 20 {
			return 0
		}
		s.secret(i, i+end, "password-hash")
		return i + end
	}
	return 0
}
