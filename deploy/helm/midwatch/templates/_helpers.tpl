{{- define "midwatch.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- /* name of a part's objects: list of root and part */ -}}
{{- define "midwatch.name" -}}
{{ include "midwatch.fullname" (index . 0) }}-{{ index . 1 }}
{{- end }}

{{- define "midwatch.selector" -}}
app.kubernetes.io/name: midwatch
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "midwatch.labels" -}}
{{ include "midwatch.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end }}

{{- /* metadata of an object of a part */ -}}
{{- define "midwatch.metadata" -}}
name: {{ include "midwatch.name" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels: {{- include "midwatch.labels" . | nindent 2 }}
{{- end }}

{{- /* image: list of root and name */ -}}
{{- define "midwatch.image" -}}
{{- $root := index . 0 -}}
{{ with $root.Values.image.registry }}{{ . }}/{{ end }}{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{- define "midwatch.certificates" -}}
{{ .Values.certificates.prefix | default (include "midwatch.fullname" .) }}
{{- end }}

{{- define "midwatch.keys" -}}
{{ .Values.keys.existingSecret | default (printf "%s-keys" (include "midwatch.certificates" .)) }}
{{- end }}

{{- /* names under which a part is reached by its Service, as a JSON list */ -}}
{{- define "midwatch.dnsNames" -}}
{{- $name := include "midwatch.name" . -}}
{{- $ns := (index . 0).Release.Namespace -}}
{{ list $name (printf "%s.%s" $name $ns) (printf "%s.%s.svc" $name $ns) (printf "%s.%s.svc.cluster.local" $name $ns) | toJson }}
{{- end }}

{{- /* parts that run here, and whose certificates and Secrets are needed: JSON list */ -}}
{{- define "midwatch.parts" -}}
{{- $parts := list "exporter" "ingester" "api" "worker" "worker-sandbox" "worker-apply" "cli" -}}
{{- if .Values.nodeAgent.enabled }}{{ $parts = append $parts "node-agent" }}{{ end -}}
{{- if .Values.jetstream.enabled }}{{ $parts = append $parts "jetstream" }}{{ end -}}
{{- if .Values.clickhouse.enabled }}{{ $parts = append $parts "clickhouse" }}{{ end -}}
{{- if .Values.temporal.enabled }}{{ $parts = append $parts "temporal" }}{{ end -}}
{{- if .Values.postgres.enabled }}{{ $parts = append $parts "postgres" }}{{ end -}}
{{- if include "midwatch.model" . }}{{ $parts = append $parts "worker-model" }}{{ end -}}
{{- if include "midwatch.github" . }}{{ $parts = append $parts "worker-github" }}{{ end -}}
{{ $parts | toJson }}
{{- end }}

{{- /* whether the configuration asks for the role */ -}}
{{- define "midwatch.model" -}}
{{- with .Values.config.ai }}{{ if .providers }}yes{{ end }}{{ end -}}
{{- end }}
{{- define "midwatch.github" -}}
{{- if .Values.config.github }}yes{{ end -}}
{{- end }}
