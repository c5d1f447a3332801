package privacy

import "strings"

// secretName says what the value of a name is, if it is a secret at all.
type secretName int

const (
	noSecret   secretName = iota
	maybe                 // "token", "signature": a secret if its value looks like one
	certain               // "password": whatever its value is
	wholeLine             // "authorization", "cookie": a header
	userName              // no secret, but a person
	namedValue            // "name": its value may say what a "value" beside it is
	beside                // "value"
)

// kindOf names a secret in its placeholder.
func kindOf(name string) string {
	n := squash(name)
	for _, k := range [...]struct{ part, kind string }{
		{"pass", "password"},
		{"pwd", "password"},
		{"cookie", "cookie"},
		{"authorization", "authorization"},
		{"session", "session"},
		{"sid", "session"},
		{"token", "token"},
		{"signature", "signature"},
		{"sig", "signature"},
		{"key", "key"},
	} {
		if strings.Contains(n, k.part) {
			return k.kind
		}
	}
	return "secret"
}

// The endings of names, squashed: lower case, without separators.
var (
	certainEndings = byLast(
		"password", "passwd", "passphrase", "pwd", "passwort", "motdepasse", "contrasena", "secretkey", "secretaccesskey",
		"apikey", "accesskey", "accesskeyid", "privatekey", "clientsecret", "accesstoken", "refreshtoken", "authtoken", "idtoken",
		"bearertoken", "sessiontoken", "securitytoken", "apitoken", "secretkeybase", "encryptionkey", "signingkey", "masterkey",
		"hmackey", "sharedkey", "accountkey", "requirepass", "masterauth", "webhooksecret", "appsecret",
		"sharedsecret", "jwtsecret", "signingsecret", "authsecret", "mnemonic", "totpsecret", "otpsecret", "nkeyseed", "sslpassword",
		"storepass", "keypass", "userpass", "dbpass", "subscriptionkey", "sharedaccesskey", "instrumentationkey", "licensekey",
	)
	maybeEndings = byLast(
		"token", "secret", "credential", "credentials", "signature", "sessionid", "jsessionid", "phpsessid", "sessid", "connectsid", "csrf", "xsrf", "nonce",
		"otp", "mfacode", "authkey", "auth", "session", "salt", "cvv", "pincode", "dsn", "connectionstring",
	)
	userEndings = byLast(
		"username", "login", "loginname", "logname", "remoteuser", "userlogin", "uname", "principalname", "enduserid",
	)
)

// endings are endings by their last letter.
type endings [256][]string

func byLast(words ...string) *endings {
	e := new(endings)
	for _, w := range words {
		c := w[len(w)-1]
		e[c] = append(e[c], w)
	}
	return e
}

// plainKeys end in "key" and hold no secret.
var plainKeys = map[string]bool{
	"cachekey": true, "primarykey": true, "partitionkey": true, "foreignkey": true, "sortkey": true, "routingkey": true,
	"publickey": true, "idempotencykey": true, "objectkey": true, "rowkey": true, "messagekey": true, "hashkey": true,
	"indexkey": true, "groupkey": true, "translationkey": true, "rediskey": true, "lookupkey": true, "configkey": true,
	"topologykey": true, "recordkey": true, "shardkey": true, "s3key": true, "metrickey": true, "kmskey": true,
}

// nameOf says what the value of a name is. Names are compared without separators and case, by their ends: DB_PASSWORD,
// spring.datasource.password, x-api-key, clientSecret.
func nameOf(name string) secretName {
	name = strings.Trim(name, ".-_+~%")
	if len(name) < 3 || len(name) > 80 {
		return noSecret
	}
	switch name[len(name)-1] | 0x20 { // what no name of ours ends with is told apart here
	case 'd', 'e', 'f', 'h', 'k', 'l', 'n', 'p', 'r', 's', 't', 'v', 'y', 'c', 'a', 'g':
	default:
		return noSecret
	}
	n := squash(name)
	switch n {
	case "authorization", "proxyauthorization", "cookie", "setcookie", "xauthtoken", "xapikey", "xamzsecuritytoken":
		return wholeLine
	case "pass", "sig":
		return certain
	case "user", "usr", "uid", "ruser", "owner", "sshuser":
		if n != "uid" && n != "owner" {
			return userName
		}
		return noSecret
	case "name", "key":
		return namedValue
	case "value", "stringvalue":
		return beside
	case "sid", "dsn":
		return maybe
	}
	return byEnding(name, n)
}

func byEnding(name, n string) secretName {
	switch {
	case strings.HasSuffix(n, "authorization") && strings.Contains(n, "header"), strings.HasSuffix(n, "headercookie"),
		strings.HasSuffix(n, "setcookie"):
		return wholeLine
	case hasEnding(n, certainEndings), hump(name, "pass"):
		return certain
	case hasEnding(n, maybeEndings), hump(name, "sid"), hump(name, "pin"), hump(name, "sig"):
		return maybe
	case hump(name, "key") && !plainKeys[n]:
		return maybe
	case hasEnding(n, userEndings), hump(name, "user"):
		return userName
	}
	return noSecret
}

func hasEnding(n string, known *endings) bool {
	if n == "" {
		return false
	}
	for _, e := range known[n[len(n)-1]] {
		if strings.HasSuffix(n, e) {
			return true
		}
	}
	return false
}

// hump tells whether a name ends with a whole word: db_pass and dbPass, but neither bypass nor compass.
func hump(name, word string) bool {
	at := len(name) - len(word)
	if at < 0 || !strings.EqualFold(name[at:], word) {
		return false
	}
	return at == 0 || !alphanumeric(name[at-1]) || isUpper(name[at]) && (isLower(name[at-1]) || isDigit(name[at-1]))
}

// squash returns a name in lower case and without separators.
func squash(name string) string {
	var b [80]byte
	n := 0
	for i := 0; i < len(name) && n < len(b); i++ {
		if c := name[i]; alphanumeric(c) {
			if isUpper(c) {
				c |= 0x20
			}
			b[n] = c
			n++
		}
	}
	return string(b[:n])
}
