package llmtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The AWS account that the Bedrock server knows, and the role it hands out.
const (
	Region     = "eu-central-1"
	AccessKey  = "AKIDLLMTESTBASE00000"
	SecretKey  = "llmtest-secret-which-opens-nothing"
	RoleARN    = "arn:aws:iam::123456789012:role/midwatch"
	ExternalID = "llmtest-external-id"

	roleAccessKey = "ASIALLMTESTROLE00000"
	roleSecretKey = "llmtest-secret-of-the-role"
	roleToken     = "llmtest-session-token"
)

// maxSkew is how far AWS lets clocks differ.
const maxSkew = 5 * time.Minute

// verify computes the Signature Version 4 of a request anew and compares. Written after AWS's description of it, not with
// the SDK, whose signatures it judges.
func verify(r *http.Request, body []byte) error {
	said, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	secret, token := SecretKey, ""
	if said.key == roleAccessKey {
		secret, token = roleSecretKey, roleToken
	} else if said.key != AccessKey {
		return errors.New("the security token included in the request is invalid")
	}
	if r.Header.Get("X-Amz-Security-Token") != token {
		return errors.New("the session token does not belong to the key")
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > maxSkew || said.date != at.Format("20060102") {
		return errors.New("signature expired or not of this day")
	}
	service := "bedrock"
	if r.URL.Path == "/" {
		service = "sts"
	}
	scope := strings.Join([]string{said.date, Region, service, "aws4_request"}, "/")
	if said.scope != scope {
		return fmt.Errorf("credential should be scoped to %s", scope)
	}
	if !slices.Contains(said.headers, "host") || !slices.Contains(said.headers, "x-amz-date") {
		return errors.New("host and x-amz-date must be signed")
	}
	digest := sha256.Sum256([]byte(canonical(r, said.headers, body)))
	text := strings.Join([]string{algorithm, at.Format("20060102T150405Z"), scope, hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{said.date, Region, service, "aws4_request", text} {
		key = sum(key, part)
	}
	if !hmac.Equal([]byte(hex.EncodeToString(key)), []byte(said.signature)) {
		return errors.New("the request signature we calculated does not match the signature you provided")
	}
	return nil
}

const algorithm = "AWS4-HMAC-SHA256"

type authorization struct {
	key, date, scope, signature string
	headers                     []string
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=hex".
func parseAuthorization(header string) (authorization, error) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return authorization{}, errors.New("missing authentication token")
	}
	var a authorization
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			a.key, a.scope, _ = strings.Cut(value, "/")
			a.date, _, _ = strings.Cut(a.scope, "/")
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, nil
}

func canonical(r *http.Request, signed []string, body []byte) string {
	var headers strings.Builder
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	digest := sha256.Sum256(body)
	return strings.Join([]string{
		r.Method, escaped(r.URL.EscapedPath()), r.URL.RawQuery, headers.String(), strings.Join(signed, ";"), hex.EncodeToString(digest[:]),
	}, "\n")
}

// escaped escapes a path that is escaped already, as every service but S3 wants it.
func escaped(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func sum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
