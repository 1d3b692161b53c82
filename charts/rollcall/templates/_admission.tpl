{{/* Where the rules hold: in the namespaces that the operator looks after. */}}
{{- define "rollcall.admission.scope" -}}
{{- with .Values.watch.namespaces }}
matchResources:
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: {{ toJson . }}
{{- end }}
{{- end }}

{{/* A ValidatingAdmissionPolicyBinding: dict root, name, and params where RoleTemplates of the namespace are looked at. */}}
{{- define "rollcall.admission.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "rollcall.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: {{ toJson .root.Values.admission.actions }}
  {{- if .params }}
  paramRef:
    selector: {}
    parameterNotFoundAction: Allow
  {{- end }}
  {{- include "rollcall.admission.scope" .root | nindent 2 }}
{{- end }}

{{/* Whether what is not allowed is refused: not where it is only told, or let through when the API server is in trouble. */}}
{{- define "rollcall.admission.refuses" -}}
{{- $admission := .Values.admission }}
{{- if and $admission.enabled (has "Deny" $admission.actions) (eq $admission.failurePolicy "Fail") }}true{{ end }}
{{- end }}

{{/* Who may write a status, as a list of CEL. */}}
{{- define "rollcall.admission.statusWriters" -}}
{{- $own := printf "system:serviceaccount:%s:%s" .Release.Namespace (include "rollcall.serviceAccountName" .) }}
{{- prepend .Values.admission.status.writers $own | uniq | toJson }}
{{- end }}

{{/* The version in which the API server has MutatingAdmissionPolicy; empty where it has none, or it is not wanted. */}}
{{- define "rollcall.admission.mutatingVersion" -}}
{{- if eq .Values.admission.approvals.recordApprover "Auto" }}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" }}v1
{{- else if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy" }}v1beta1
{{- end }}
{{- end }}
{{- end }}

{{/*
What is privileged, in parts that CEL evaluates cheaply, as its costs are limited: regular expressions for connectors
that are named at all, for those of which everything is, and for `connector/entitlement`; and names without a pattern.
*/}}
{{- define "rollcall.admission.privileged" -}}
{{- $named := list }}
{{- $whole := list }}
{{- $patterns := list }}
{{- $names := dict }}
{{- range .Values.admission.privileged.entitlements }}
{{- $connector := default "*" .connector }}
{{- $connectors := regexQuoteMeta $connector | replace "\\*" "[^/]*" | replace "\\?" "[^/]" }}
{{- $named = append $named $connectors }}
{{- if not .entitlement }}
{{- $whole = append $whole $connectors }}
{{- else if regexMatch "^[ -)+->@-~]*$" (printf "%s/%s" $connector .entitlement) }}
{{- $_ := set $names (printf "%s/%s" $connector .entitlement | lower) true }}
{{- else }}
{{- $entitlements := regexQuoteMeta .entitlement | replace "\\*" ".*" | replace "\\?" "." }}
{{- $patterns = append $patterns (printf "%s/%s" $connectors $entitlements) }}
{{- end }}
{{- end }}
{{- dict "named" (printf "^(%s)$" (join "|" $named)) "whole" (printf "^(%s)$" (join "|" $whole)) "patterns" (printf "(?is)^(%s)$" (join "|" $patterns)) "names" $names | toJson }}
{{- end }}

{{/* Variable: names of what is privileged. */}}
{{- define "rollcall.admission.names" -}}
- name: privilegedNames
  expression: |-
    {{ (include "rollcall.admission.privileged" . | fromJson).names | toJson }}
{{- end }}

{{/* CEL: the privileged things in `grants` that are not in `before`, for people; empty where there are none. */}}
{{- define "rollcall.admission.given" -}}
{{- $privileged := include "rollcall.admission.privileged" .root | fromJson -}}
{{ .grants }}.filter(g, g.connector.matches({{ toJson $privileged.named }})).map(g,
  (g.connector.matches({{ toJson $privileged.whole }}) && !{{ .before }}.exists(b, b.connector == g.connector)
    ? ['an account in ' + g.connector] : [])
  + g.?entitlements.orValue([]).filter(e,
      (
        g.connector.matches({{ toJson $privileged.whole }})
        || (g.connector + '/' + e).lowerAscii() in variables.privilegedNames
        || (g.connector + '/' + e).matches({{ toJson $privileged.patterns }})
      )
      && !{{ .before }}.exists(b, b.connector == g.connector && e in b.?entitlements.orValue([]))
    ).map(e, e + ' in ' + g.connector)
).filter(some, size(some) > 0).map(some, some.join(', ')).join(', ')
{{- end }}

{{/* Variables: an approval of removals, and who stands for it, now and before. */}}
{{- define "rollcall.admission.approval" -}}
- name: digest
  expression: |-
    object.metadata.?annotations[?'rollcall.dev/approved-removals'].orValue('')
- name: digestBefore
  expression: |-
    oldObject == null ? '' : oldObject.metadata.?annotations[?'rollcall.dev/approved-removals'].orValue('')
- name: by
  expression: |-
    object.metadata.?annotations[?'rollcall.dev/approved-by'].orValue('')
- name: byBefore
  expression: |-
    oldObject == null ? '' : oldObject.metadata.?annotations[?'rollcall.dev/approved-by'].orValue('')
{{- end }}

{{/* Variables: what a RoleTemplate gives and gave, and what is privileged of that and new. */}}
{{- define "rollcall.admission.added" -}}
{{ include "rollcall.admission.names" . }}
- name: grants
  expression: |-
    object.spec.?grants.orValue([])
- name: grantsBefore
  expression: |-
    oldObject == null ? [] : oldObject.spec.?grants.orValue([])
- name: added
  expression: |-
    {{- include "rollcall.admission.given" (dict "root" . "grants" "variables.grants" "before" "variables.grantsBefore") | nindent 4 }}
{{- end }}
