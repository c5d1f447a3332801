package privacy

import "strings"

// host marks a known host or what looks like a fully qualified name, and tells whether the atom was one.
func (s *scanner) host(i, j int, has class) bool {
	for j > i && classes[s.text[j-1]]&(dot|dash) != 0 {
		j--
	}
	for i < j && classes[s.text[i]]&(dot|dash) != 0 {
		i++
	}
	if j-i < 2 || j-i > 253 || has&(percent|high) != 0 {
		return false
	}
	name := s.text[i:j]
	if len(s.hosts) > 0 && s.hosts[strings.ToLower(name)] || ec2Name(name) || has&dot != 0 && s.qualified(i, j) {
		s.pseudonym(i, j, KindHost)
		return true
	}
	return false
}

// ec2Name: ip-10-0-1-23, with or without a domain, holds the address.
func ec2Name(name string) bool {
	rest, ok := strings.CutPrefix(name, "ip-")
	if !ok || strings.Count(rest, "-") < 3 {
		return false
	}
	rest, _, _ = strings.Cut(rest, ".")
	return ipv4End(strings.ReplaceAll(rest, "-", ".")+" ", 0) == len(rest)
}

// Top-level domains by how far they can be trusted to be one: names of files, packages, attributes and metrics have dots too.
var (
	// sure in a name of two labels
	sureTLDs = set("com org net edu gov mil int corp lan intranet localdomain internal arpa cloud")
	// sure in a name of three
	longTLDs = set("io dev app ai co tech xyz online biz eu us uk de fr nl se dk fi pl ch at it es pt cz jp cn kr br ru au nz ca tr mx " +
		"ar za ie be no gr hu ro il hk sg tw th vn ph my pk ua lt lv ee sk si hr bg lu local home private example site tv cc")
	// only where the surroundings say that it is a host
	wordTLDs = set("in is to so me id do am as name info host store shop run live page link world zone systems services network works " +
		"team tools news media group one new sh py rs md ps pl js ts go cc ly gg fm test")
)

// reverse is how names of packages begin: com.example.Service, io.grpc.internal.
var reverse = set("com org net io java javax jakarta edu gov kotlin scala sun jdk akka reactor")

// publicDomains belong to everybody: they and what is below them stay.
var publicDomains = set("cluster.local kubernetes.io k8s.io github.com githubusercontent.com gitlab.com docker.io docker.com gcr.io quay.io " +
	"ghcr.io googleapis.com google.com golang.org go.dev pypi.org npmjs.org npmjs.com maven.org apache.org opentelemetry.io prometheus.io " +
	"grafana.com temporal.io nats.io clickhouse.com postgresql.org mozilla.org w3.org schema.org letsencrypt.org debian.org ubuntu.com " +
	"alpinelinux.org archlinux.org redhat.com stripe.com paypal.com twilio.com sendgrid.net openai.com anthropic.com slack.com " +
	"pagerduty.com datadoghq.com sentry.io cloudflare.com microsoft.com jetstack.io istio.io linkerd.io helm.sh coreos.com elastic.co " +
	"uber.org ietf.org rfc-editor.org starlark.net modernc.org wikipedia.org eclipse.org jboss.org mysql.com mongodb.org gopkg.in in-addr.arpa ip6.arpa ntp.org spring.io hibernate.org slf4j.org python.org nodejs.org rust-lang.org crates.io")

// qualified tells whether [i, j) is a host's fully qualified name.
func (s *scanner) qualified(i, j int) bool {
	name := s.text[i:j]
	labels := strings.Count(name, ".") + 1
	if labels < 2 || !domainChars(name) {
		return false
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	tld := strings.ToLower(last)
	if tld != last && strings.ToUpper(name) != name {
		return false
	}
	first, _, _ := strings.Cut(name, ".")
	if reverse[first] && !s.addressed(i, j) || public(strings.ToLower(name)) {
		return false
	}
	switch {
	case sureTLDs[tld]:
		return labels > 2 || tld != "cloud" && tld != "internal" || s.addressed(i, j) || strings.ContainsAny(first, "0123456789-")
	case len(tld) == 2 && len(first) == 1 && !s.addressed(i, j): // a.last.at is a program's
		return false
	case longTLDs[tld]:
		return labels > 2 && !strings.Contains(name, "_") || s.addressed(i, j)
	case wordTLDs[tld]:
		return s.linked(i)
	}
	return false
}

// addressed tells whether the surroundings say that a host stands here: after "//" or "@", or before a port.
func (s *scanner) addressed(i, j int) bool {
	if s.linked(i) {
		return true
	}
	t := s.text
	k := j + 1
	for k < len(t) && isDigit(t[k]) {
		k++
	}
	return j < len(t) && t[j] == ':' && k-j >= 3 && k-j <= 6 && (k == len(t) || !alphanumeric(t[k]))
}

func (s *scanner) linked(i int) bool {
	return i > 0 && s.text[i-1] == '@' || i > 1 && s.text[i-2:i] == "//"
}

func domainChars(name string) bool {
	label, letters := 0, false
	for i := range len(name) {
		switch c := name[i]; {
		case c == '.':
			if label == 0 || name[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case c == '-' && label == 0, c == '+', c == '~', label > 63:
			return false
		case isLetter(c):
			letters = true
		}
		label++
	}
	return label > 1 && letters && isLetter(name[len(name)-1])
}

// public tells whether a name is below a public domain, or a service of AWS that is the same for all.
func public(name string) bool {
	if rest, ok := strings.CutSuffix(name, ".amazonaws.com"); ok {
		service, region, both := strings.Cut(rest, ".")
		return service != "" && (!both || strings.Count(region, "-") == 2 && strings.Count(region, ".") == 0)
	}
	for {
		if publicDomains[name] {
			return true
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		name = rest
	}
}
