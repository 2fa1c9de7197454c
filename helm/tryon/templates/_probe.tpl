{{/* Whether a render would work, asked as gateways ask. Kubernetes' own gRPC probe speaks no TLS; with certificates the
     same question is asked from inside the container, which takes a process of its own and so is asked less often. */}}
{{- define "tryon.engineProbe" -}}
{{- if .Values.mtls.enabled -}}
exec:
  command:
    - env
    - TRYON_ENGINE=localhost:{{ int .Values.engine.port }}
    - python
    - -c
    - |-
      import sys
      from tryon_service.engine_client import EngineClient
      from tryon_service.settings import load
      sys.exit(not EngineClient.of(load()).healthy(5.0))
timeoutSeconds: 10
{{- else -}}
grpc: {port: {{ int .Values.engine.port }}}
timeoutSeconds: 5
{{- end -}}
{{- end }}
