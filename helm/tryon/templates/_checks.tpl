{{/* What no value can say alone. Each is one sentence that names the value and what to do. */}}

{{- define "tryon.checks" -}}
{{- include "tryon.checkStops" . -}}
{{- include "tryon.checkMany" . -}}
{{- include "tryon.checkEgress" . -}}
{{- include "tryon.checkOutside" . -}}
{{- include "tryon.checkBatch" . -}}
{{- end }}

{{/* Seconds that stopping takes beside the drain: gunicorn's own end, and the engine's, which may take 15. */}}
{{- define "tryon.checkStops" -}}
{{- $drain := float64 .Values.settings.drain -}}
{{- $longest := float64 .Values.settings.render_timeout -}}
{{- if lt $drain $longest -}}
{{- fail (printf "settings.drain (%v s) is shorter than settings.render_timeout (%v s): a stopping pod would cut off calls; raise the one or lower the other." $drain $longest) -}}
{{- end -}}
{{- range $part, $margin := dict "gateway" 10 "engine" 20 -}}
{{- $values := index $.Values $part -}}
{{- $least := addf $values.preStopSeconds $drain $margin | ceil | int -}}
{{- if lt (int $values.terminationGracePeriodSeconds) $least -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, and has to be at least %d: preStopSeconds, settings.drain and %d for ending." $part (int $values.terminationGracePeriodSeconds) $least $margin) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tryon.checkMany" -}}
{{- $keys := .Values.secret.keys -}}
{{- if and (include "tryon.manyGateways" .) (not $keys.redis_url) -}}
{{- fail "More than one gateway (gateway.replicas, gateway.settings.workers or gateway.autoscaling.maxReplicas) needs Redis for limits that hold: put its URL into the Secret and name the key in secret.keys.redis_url, or use one gateway." -}}
{{- end -}}
{{- $pods := or (gt (int .Values.gateway.replicas) 1) .Values.gateway.autoscaling.enabled -}}
{{- if and $pods (not .Values.gateway.storage.existingClaim) (ne .Values.gateway.storage.accessMode "ReadWriteMany") -}}
{{- fail (printf "gateway.storage.accessMode is %s, and several gateway pods share the file of API keys: use ReadWriteMany with a storageClass that has it." .Values.gateway.storage.accessMode) -}}
{{- end -}}
{{- if ne (empty $keys.store_url) (empty $keys.index_url) -}}
{{- fail "secret.keys.store_url and secret.keys.index_url go together: photos elsewhere need an index elsewhere." -}}
{{- end -}}
{{- if and (include "tryon.manyEngines" .) (not $keys.store_url) -}}
{{- fail "More than one engine (engine.replicas or engine.autoscaling.maxReplicas) needs products that all of them see: set secret.keys.store_url and secret.keys.index_url, or use one engine." -}}
{{- end -}}
{{- if gt (int .Values.engine.autoscaling.minReplicas) (int .Values.engine.autoscaling.maxReplicas) -}}
{{- fail "engine.autoscaling.minReplicas is more than engine.autoscaling.maxReplicas." -}}
{{- end -}}
{{- if gt (int .Values.gateway.autoscaling.minReplicas) (int .Values.gateway.autoscaling.maxReplicas) -}}
{{- fail "gateway.autoscaling.minReplicas is more than gateway.autoscaling.maxReplicas." -}}
{{- end -}}
{{- if and (ne .Values.engine.autoscaling.by "none") (gt (float64 .Values.engine.autoscaling.queueWait) 0.0) (not .Values.engine.metricsPort) -}}
{{- fail "engine.autoscaling.queueWait needs the engine's metrics: set engine.metricsPort, or queueWait to 0." -}}
{{- end -}}
{{- end }}

{{- define "tryon.checkEgress" -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $used := dict "redis" .Values.secret.keys.redis_url "index" .Values.secret.keys.index_url "store" .Values.secret.keys.store_url "traces" .Values.settings.otlp_endpoint "remotePhotos" .Values.gateway.settings.remote_hosts -}}
{{- $because := dict "redis" "secret.keys.redis_url" "index" "secret.keys.index_url" "store" "secret.keys.store_url" "traces" "settings.otlp_endpoint" "remotePhotos" "gateway.settings.remote_hosts" -}}
{{- range $name, $use := $used -}}
{{- if and $use (not (index $.Values.networkPolicy $name).to) -}}
{{- fail (printf "networkPolicy.%s.to is empty, and %s is set: say where it is, or the pods can't reach it (or set networkPolicy.enabled to false)." $name (get $because $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "tryon.checkOutside" -}}
{{- $ingress := .Values.ingress -}}
{{- if and $ingress.enabled (not $ingress.hosts) -}}
{{- fail "ingress.hosts is empty: name the hosts that the Ingress is for." -}}
{{- end -}}
{{- if and $ingress.enabled (lt (int .Values.gateway.settings.trusted_proxies) 1) -}}
{{- fail "gateway.settings.trusted_proxies is 0 behind an Ingress: every shopper would count as one address for the limits; set 1, and one more for each proxy before it." -}}
{{- end -}}
{{- $certificates := .Values.mtls.certManager -}}
{{- if and .Values.mtls.enabled $certificates.enabled (not $certificates.issuerRef.name) -}}
{{- fail "mtls.certManager.issuerRef.name is empty: name the issuer of the certificates." -}}
{{- end -}}
{{- if and .Values.mtls.enabled (not $certificates.enabled) (or (not .Values.mtls.gatewaySecret) (not .Values.mtls.engineSecret)) -}}
{{- fail "mtls.enabled needs mtls.gatewaySecret and mtls.engineSecret, or mtls.certManager.enabled to have them made." -}}
{{- end -}}
{{- end }}

{{- define "tryon.checkBatch" -}}
{{- $batch := .Values.batch -}}
{{- if $batch.enabled -}}
{{- range $name := list "claim" "poses" "rightsReference" -}}
{{- if not (index $batch $name) -}}
{{- fail (printf "batch.%s is empty, and batch.enabled needs it." $name) -}}
{{- end -}}
{{- end -}}
{{- if gt (int $batch.workers.minReplicas) (int $batch.workers.maxReplicas) -}}
{{- fail "batch.workers.minReplicas is more than batch.workers.maxReplicas." -}}
{{- end -}}
{{- end -}}
{{- end }}
