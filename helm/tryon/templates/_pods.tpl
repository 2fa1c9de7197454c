{{/* What the pods of gateway and engine have in common. */}}

{{/* A setting's value as the environment has it: lists with commas, numbers without an exponent. */}}
{{- define "tryon.settingText" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}

{{/* Variables of a part's settings, its own and those of both. Empty ones are left to the service. */}}
{{- define "tryon.settings" -}}
{{- $own := (index .root.Values .part).settings -}}
{{- if eq .part "gateway" -}}
{{- $own = merge (dict "public_url" (include "tryon.publicUrl" .root)) $own -}}
{{- end -}}
{{- range $name, $value := merge (dict) $own .root.Values.settings -}}
{{- $text := include "tryon.settingText" $value -}}
{{- if ne $text "" }}
TRYON_{{ upper $name }}: {{ $text | quote }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Variables that every part has. */}}
{{- define "tryon.env" -}}
- name: TRYON_DATA
  value: /var/lib/tryon
- name: TRYON_RUNTIME
  value: /tmp/tryon
- name: HOME
  value: /tmp
{{- if .root.Values.mtls.enabled }}
- name: TRYON_ENGINE_CERT
  value: /etc/tryon/tls/tls.crt
- name: TRYON_ENGINE_KEY
  value: /etc/tryon/tls/tls.key
- name: TRYON_ENGINE_CA
  value: /etc/tryon/tls/ca.crt
{{- end }}
{{- range $name := .secrets }}
{{- if get $.root.Values.secret.keys $name }}
- name: TRYON_{{ upper $name }}_FILE
  value: /etc/tryon/secrets/{{ $name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tryon.mounts" -}}
- name: data
  mountPath: /var/lib/tryon
- name: tmp
  mountPath: /tmp
- name: secrets
  mountPath: /etc/tryon/secrets
  readOnly: true
{{- if .root.Values.mtls.enabled }}
- name: tls
  mountPath: /etc/tryon/tls
  readOnly: true
{{- end }}
{{- end }}

{{/* All but data. What is in /tmp is in memory: no shopper's photo may reach a disk. */}}
{{- define "tryon.volumes" -}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
- name: secrets
  secret:
    secretName: {{ .root.Values.secret.name }}
    defaultMode: 0440
    items:
      {{- range $name := .secrets }}
      {{- with get $.root.Values.secret.keys $name }}
      - {key: {{ . | quote }}, path: {{ $name }}}
      {{- end }}
      {{- end }}
{{- if .root.Values.mtls.enabled }}
- name: tls
  secret:
    secretName: {{ include "tryon.tlsSecret" . }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- define "tryon.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The pod template's metadata: a change of settings, or of secret.revision, replaces the pods. */}}
{{- define "tryon.podMetadata" -}}
labels:
  {{- include "tryon.labels" . | nindent 2 }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  tryon/settings: {{ include "tryon.settings" . | sha256sum }}
  {{- with .root.Values.secret.revision }}
  tryon/secret-revision: {{ . | quote }}
  {{- end }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Who the pod is and where it runs. Without service links: Kubernetes would set TRYON_PORT for a Service "tryon". */}}
{{- define "tryon.podPlace" -}}
serviceAccountName: {{ include "tryon.serviceAccountName" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ int .values.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
