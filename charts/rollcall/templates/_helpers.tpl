{{- define "rollcall.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Room is left for "-roletemplates-view" and the like. */}}
{{- define "rollcall.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "rollcall.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "rollcall.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "rollcall.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rollcall.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rollcall.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "rollcall.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "rollcall.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "rollcall.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "rollcall.image" -}}
{{- $repository := required "image.repository is required: no image is published yet, build one with the Dockerfile and give its name" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "rollcall.installation" -}}
{{- required "installation is required: the name of this installation, a DNS label such as acme. It is part of the mark on every account, so choose one that you keep" .Values.installation }}
{{- end }}

{{- define "rollcall.listen" -}}
{{- if contains ":" .Values.listen.address }}
{{- printf "[%s]:%d" .Values.listen.address (int .Values.listen.port) }}
{{- else }}
{{- printf "%s:%d" .Values.listen.address (int .Values.listen.port) }}
{{- end }}
{{- end }}

{{/* What the operator asks of the API server in a namespace that it looks after; a test holds it to that. */}}
{{- define "rollcall.rules" -}}
- apiGroups: [rollcall.dev]
  resources: [employees, roletemplates, appconnectors]
  verbs: [list, watch]
- apiGroups: [rollcall.dev]
  resources: [employees/status, roletemplates/status, appconnectors/status]
  verbs: [patch]
# The finalizer of `deletion.policy: Disable`.
- apiGroups: [rollcall.dev]
  resources: [employees]
  verbs: [patch]
# Only labelled Secrets are asked for; RBAC can't say so.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- if .Values.initialPasswords.enabled }}
# Only those that it made are deleted; RBAC can't say so.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch, delete]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/* The file of --notifications: keys of the Secret become files that it is mounted as. */}}
{{- define "rollcall.notifications" -}}
{{- $values := .Values.notifications }}
{{- $folder := "/etc/rollcall/notifications-secret" }}
{{- $config := dict "leaverDeadline" $values.leaverDeadline }}
{{- $keys := list }}
{{- with $values.events }}
{{- $_ := set $config "events" . }}
{{- end }}
{{- if $values.email }}
{{- $smtp := dict }}
{{- range $name, $value := $values.email.smtp }}
{{- if hasSuffix "Key" $name }}
{{- $keys = append $keys (printf "notifications.email.smtp.%s" $name) }}
{{- $_ := set $smtp (printf "%sFile" (trimSuffix "Key" $name)) (printf "%s/%s" $folder $value) }}
{{- else }}
{{- $_ := set $smtp $name $value }}
{{- end }}
{{- end }}
{{- $_ := set $config "email" (dict "smtp" $smtp "from" $values.email.from "to" $values.email.to) }}
{{- end }}
{{- $webhooks := list }}
{{- range $n, $webhook := $values.webhooks }}
{{- $one := dict }}
{{- range $name, $value := $webhook }}
{{- if hasSuffix "Key" $name }}
{{- $keys = append $keys (printf "notifications.webhooks[%d].%s" $n $name) }}
{{- $_ := set $one (printf "%sFile" (trimSuffix "Key" $name)) (printf "%s/%s" $folder $value) }}
{{- else }}
{{- $_ := set $one $name $value }}
{{- end }}
{{- end }}
{{- $webhooks = append $webhooks $one }}
{{- end }}
{{- with $webhooks }}
{{- $_ := set $config "webhooks" . }}
{{- end }}
{{- if not (or $values.email $values.webhooks) }}
{{- fail "notifications.enabled is true, and nobody would be told: give notifications.email or notifications.webhooks" }}
{{- end }}
{{- if and $keys (not $values.secretName) }}
{{- fail (printf "notifications.secretName is required: %s names a key of that Secret" (first $keys)) }}
{{- end }}
{{- toYaml $config }}
{{- end }}
