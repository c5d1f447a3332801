{{- /* The pod template of a part. Takes root, part, and what it needs:
  image, command, args, identity (certificate), keys, ports (name → number), resources, seccomp, account (bool: gets a token), volumes, mounts,
  probe ("health", or a port that accepts when it serves), startup (seconds) */ -}}
{{- define "midwatch.pod" -}}
{{- $root := .root -}}
{{- $v := $root.Values -}}
metadata:
  labels: {{- include "midwatch.labels" (list $root .part) | nindent 4 }}
  annotations:
    checksum/config: {{ include (print $root.Template.BasePath "/configmap.yaml") $root | sha256sum }}
    {{- with $v.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "midwatch.name" (list $root .part) }}
  automountServiceAccountToken: {{ .account | default false }}
  enableServiceLinks: false
  {{- with $v.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: {{ .seccomp | default "RuntimeDefault" }}{{ if eq (.seccomp | default "") "Localhost" }}, localhostProfile: midwatch/sandbox.json{{ end }}}
    {{- with ternary .appArmor $v.appArmorProfile (hasKey . "appArmor") }}
    appArmorProfile: {type: {{ . }}}
    {{- end }}
  {{- with .runtimeClass }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "midwatch.selector" (list $root .part) | nindent 10 }}
  containers:
    - name: {{ .part }}
      image: {{ include "midwatch.image" (list $root (.image | default "midwatch")) }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      {{- with .command }}
      command: {{ toJson . }}
      {{- end }}
      args: {{ toJson .args }}
      env:
        - {name: MIDWATCH_CONFIG, value: /etc/midwatch/midwatch.yaml}
      ports:
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
        {{- if eq .probe "health" }}
        - {name: health, containerPort: 8081}
        {{- end }}
      startupProbe:
        {{- include "midwatch.probe" (list .probe "/ready") | nindent 8 }}
        periodSeconds: 1
        failureThreshold: {{ .startup | default 300 }}
      readinessProbe:
        {{- include "midwatch.probe" (list .probe "/ready") | nindent 8 }}
        periodSeconds: 5
      livenessProbe:
        {{- include "midwatch.probe" (list .probe "/live") | nindent 8 }}
        periodSeconds: 10
        failureThreshold: 6
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        {{- include "midwatch.mounts" . | nindent 8 }}
  volumes:
    {{- include "midwatch.volumes" . | nindent 4 }}
{{- end }}

{{- define "midwatch.probe" -}}
{{- if eq (index . 0) "health" -}}
httpGet: {path: {{ index . 1 }}, port: health}
{{- else -}}
tcpSocket: {port: {{ index . 0 }}}
{{- end }}
timeoutSeconds: 5
{{- end }}

{{- define "midwatch.mounts" -}}
- {name: config, mountPath: /etc/midwatch/midwatch.yaml, subPath: midwatch.yaml, readOnly: true}
- {name: pki, mountPath: /var/lib/midwatch/pki, readOnly: true}
{{- if .keys }}
- {name: keys, mountPath: /var/lib/midwatch/keys, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- if and .metadata (not .root.Values.postgres.enabled) }}
- {name: metadata, mountPath: /etc/midwatch/metadata, readOnly: true}
{{- end }}
{{- if and .store .root.Values.clickhouse.passwordSecret.name }}
- {name: store, mountPath: /etc/midwatch/store, readOnly: true}
{{- end }}
{{- $part := .part | trimPrefix "worker-" }}
{{- range .root.Values.secrets }}
{{- if has $part .parts }}
- {name: secret-{{ .name }}, mountPath: /etc/midwatch/{{ .name }}, readOnly: true}
{{- end }}
{{- end }}
{{- with .mounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "midwatch.volumes" -}}
- name: config
  configMap: {name: {{ include "midwatch.fullname" .root }}}
- name: pki
  secret:
    secretName: {{ include "midwatch.certificates" .root }}-{{ .identity }}-tls
    defaultMode: 0440
    items:
      - {key: ca.crt, path: ca.pem}
      - {key: tls.crt, path: {{ .identity }}.pem}
      - {key: tls.key, path: {{ .identity }}-key.pem}
{{- if .keys }}
- name: keys
  secret:
    secretName: {{ include "midwatch.keys" .root }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- end }}
- name: tmp
  emptyDir: {}
{{- if and .metadata (not .root.Values.postgres.enabled) }}
- name: metadata
  secret: {secretName: {{ .root.Values.postgres.dsnSecret.name }}, defaultMode: 0440}
{{- end }}
{{- if and .store .root.Values.clickhouse.passwordSecret.name }}
- name: store
  secret: {secretName: {{ .root.Values.clickhouse.passwordSecret.name }}, defaultMode: 0440}
{{- end }}
{{- $part := .part | trimPrefix "worker-" }}
{{- range .root.Values.secrets }}
{{- if has $part .parts }}
- name: secret-{{ .name }}
  secret: {secretName: {{ .name }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- with .volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* volumeClaimTemplates of a StatefulSet: root, storage; without persistence its pod has an emptyDir of that name */ -}}
{{- define "midwatch.claim" -}}
{{- if .root.Values.persistence.enabled }}
volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storage.className }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .storage.size }}}}
{{- end }}
{{- end }}
{{- define "midwatch.ownVolumes" -}}
{{- if .Values.persistence.enabled }}[]{{ else }}[{"name": "data", "emptyDir": {}}]{{ end -}}
{{- end }}

{{- /* what every part has beside its workload: account, and a budget when there are several; list of root, part, replicas */ -}}
{{- define "midwatch.around" }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "midwatch.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- if gt (int (index . 2)) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "midwatch.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "midwatch.selector" . | nindent 6 }}
{{- end }}
{{- end }}
