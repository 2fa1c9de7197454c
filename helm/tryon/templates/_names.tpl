{{/* Names and labels. Those of a part take (dict "root" $ "part" "gateway"). */}}

{{- define "tryon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "tryon.fullname" -}}
{{- $name := include "tryon.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "tryon.partName" -}}
{{- printf "%s-%s" (include "tryon.fullname" .root) .part -}}
{{- end }}

{{- define "tryon.selector" -}}
app.kubernetes.io/name: {{ include "tryon.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "tryon.labels" -}}
{{ include "tryon.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "tryon.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "tryon.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{/* (dict "root" $ "image" .Values.gateway.image) */}}
{{- define "tryon.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* Names of the Secrets with the certificates of a part. */}}
{{- define "tryon.tlsSecret" -}}
{{- $given := ternary .root.Values.mtls.gatewaySecret .root.Values.mtls.engineSecret (eq .part "gateway") -}}
{{- $given | default (printf "%s-tls" (include "tryon.partName" .)) -}}
{{- end }}

{{/* More than one, now or when autoscaling: "true" or nothing. */}}
{{- define "tryon.manyGateways" -}}
{{- with .Values.gateway -}}
{{- if or (gt (int .replicas) 1) (gt (int .settings.workers) 1) (and .autoscaling.enabled (gt (int .autoscaling.maxReplicas) 1)) -}}
true
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tryon.manyEngines" -}}
{{- with .Values.engine -}}
{{- if or (gt (int .replicas) 1) (and (ne .autoscaling.by "none") (gt (int .autoscaling.maxReplicas) 1)) -}}
true
{{- end -}}
{{- end -}}
{{- end }}

{{/* The URL that browsers use: the setting, else the first host of the Ingress. */}}
{{- define "tryon.publicUrl" -}}
{{- $ingress := .Values.ingress -}}
{{- if .Values.gateway.settings.public_url -}}
{{- .Values.gateway.settings.public_url -}}
{{- else if and $ingress.enabled $ingress.hosts -}}
{{- printf "https://%s" (first $ingress.hosts) -}}
{{- end -}}
{{- end }}
