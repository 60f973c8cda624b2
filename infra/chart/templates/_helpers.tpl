{{/* Labels that select a component's pods; the official chart's too, so that one can follow the other. */}}
{{- define "updraft.selector" -}}
tier: airflow
component: {{ .component }}
release: {{ .root.Release.Name }}
{{- end }}

{{- define "updraft.labels" -}}
{{ include "updraft.selector" . }}
chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
heritage: {{ .root.Release.Service }}
{{ toYaml .root.Values.labels }}
{{- end }}

{{/* An image by its digest where there is one. Argument: repository, tag, digest. */}}
{{- define "updraft.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "updraft.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/* What differs between a control-plane process and the next is its keys: only two handle tokens. */}}
{{- define "updraft.environment" -}}
{{- $values := .root.Values -}}
- name: AIRFLOW_HOME
  value: {{ $values.airflowHome }}
{{ include "updraft.secretVariable" (dict "name" "AIRFLOW__CORE__FERNET_KEY" "secret" $values.fernetKeySecretName "key" "fernet-key") }}
{{ include "updraft.secretVariable" (dict "name" "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "secret" $values.data.metadataSecretName "key" "connection") }}
{{ include "updraft.secretVariable" (dict "name" "AIRFLOW__API__SECRET_KEY" "secret" $values.apiSecretKeySecretName "key" "api-secret-key") }}
{{- if .tokens }}
{{ include "updraft.secretVariable" (dict "name" "AIRFLOW__API_AUTH__JWT_SECRET" "secret" $values.jwtSecretName "key" "jwt-secret") }}
{{- end }}
{{- with .values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A probe that runs a program in the container. */}}
{{- define "updraft.execProbe" -}}
exec:
  command:
    {{- toYaml .command | nindent 4 }}
{{ toYaml (omit . "command") }}
{{- end }}
