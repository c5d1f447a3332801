{{- /* A StatefulSet of one, its Service and account. Takes pod (see midwatch.pod) and storage. */ -}}
{{- define "midwatch.stateful" -}}
{{- $root := .pod.root -}}
{{- $id := list $root .pod.part -}}
{{- include "midwatch.around" (list $root .pod.part 1) }}
{{- include "midwatch.service" .pod }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{- include "midwatch.metadata" $id | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ include "midwatch.name" $id }}
  selector:
    matchLabels: {{- include "midwatch.selector" $id | nindent 6 }}
  template: {{- include "midwatch.pod" .pod | nindent 4 }}
  {{- include "midwatch.claim" (dict "root" $root "storage" .storage) | nindent 2 }}
{{- end }}

{{- /* A Deployment with its account, budget and, if it has ports, Service. Takes pod and replicas. */ -}}
{{- define "midwatch.deployment" -}}
{{- $root := .pod.root -}}
{{- $id := list $root .pod.part -}}
{{- include "midwatch.around" (list $root .pod.part .replicas) }}
{{- if .pod.ports }}
{{- include "midwatch.service" .pod }}
{{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "midwatch.metadata" $id | nindent 2 }}
spec:
  replicas: {{ .replicas }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- include "midwatch.selector" $id | nindent 6 }}
  template: {{- include "midwatch.pod" .pod | nindent 4 }}
{{- end }}

{{- define "midwatch.service" }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "midwatch.metadata" (list .root .part) | nindent 2 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .serviceType | default "ClusterIP" }}
  selector: {{- include "midwatch.selector" (list .root .part) | nindent 4 }}
  ports:
    {{- $at := .servicePort }}
    {{- range $name, $port := .ports }}
    - {name: {{ $name }}, port: {{ $at | default $port }}, targetPort: {{ $name }}}
    {{- end }}
{{- end }}
