package main

import (
	"strings"
	"testing"
)

func TestMistakesInACommandLineAreTold(t *testing.T) {
	for line, want := range map[string]string{
		"config chek":                            `midwatch config has no command "chek"`,
		"token":                                  "",
		"investigations show":                    "usage: midwatch investigations show ID",
		"play a b":                               "2 arguments given, wanted 1; usage: midwatch play FILE",
		"kubernetes diff":                        "0 arguments given, wanted 1 to 2; usage: midwatch kubernetes diff KIND [NAME]",
		"kubernetes events a b c":                "3 arguments given, wanted at most 2; usage",
		"kubernetes lst pods":                    "did you mean `midwatch kubernetes list`?",
		"kubernetes whatever":                    "`midwatch kubernetes --help` lists them",
		"kubernetes service back":                "say the namespace with -n",
		"kubernetes get deployment/back":         "no token",
		"kubernetes get deployment":              "1 argument given, wanted 2; usage: midwatch kubernetes get KIND NAME",
		"kubernetes diff pods --from 1h --to 2h": "is not before --to 2h",
		"incidents":                              "Did you mean this?\n\tinvestigations",
		"status":                                 "Did you mean this?\n\tdoctor",
		"kubectl get pods":                       "Did you mean this?\n\tkubernetes",
		"investigate \u00a0":                     "there is no question",
		"token create --subject a --expires -1h": "want a time from now",
		"token create --subject a --expires 1y":  `"1y" is no length of time; write it like 90s, 15m, 12h or 30d`,
		"record --for 5 file":                    `"5" is no length of time`,
		"token create --subject a --expires 30d": "there is no installation",
		"settings --telemetry 0":                 "--telemetry 0: want a number of days, at least 1",
		"settings --ledger -3":                   "--ledger -3: want a number of days, at least 1",
		"config check missing.yaml":              "open missing.yaml: no such file",
		"config check a.yaml --config b.yaml":    "two files to check, b.yaml and a.yaml",
		"ingester --wait 5":                      `"5" is no length of time; write it like 90s, 15m, 12h or 30d`,
	} {
		_, err := said(t, append(strings.Split(line, " "), "--data", t.TempDir())...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}
