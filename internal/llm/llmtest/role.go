package llmtest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// assumeRole is the token service's AssumeRole, for one role and its external id. The request's signature is verified.
func assumeRole(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	w.Header().Set("Content-Type", "text/xml")
	if err != nil || form.Get("Action") != "AssumeRole" || form.Get("RoleArn") != RoleARN || form.Get("ExternalId") != ExternalID {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>`+
			`<Message>not authorized to perform: sts:AssumeRole</Message></Error><RequestId>req_role</RequestId></ErrorResponse>`)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration>`+
		`</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>req_role</RequestId></ResponseMetadata></AssumeRoleResponse>`,
		roleAccessKey, roleSecretKey, roleToken, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}
