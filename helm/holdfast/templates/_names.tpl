{{/* Names, labels and the image. */}}

{{- define "holdfast.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 52 characters: a StatefulSet puts its revision behind it, and a label takes 63. */}}
{{- define "holdfast.fullname" -}}
{{- $name := include "holdfast.name" . -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* What finds the pods of this release's gateways; never changes. */}}
{{- define "holdfast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "holdfast.labels" -}}
{{ include "holdfast.selectorLabels" . }}
{{ include "holdfast.sharedLabels" . }}
{{- end -}}

{{/* The same with `more` of one object, which go before `commonLabels`. */}}
{{- define "holdfast.labelsAnd" -}}
{{- mergeOverwrite (include "holdfast.labels" .root | fromYaml) .more | toYaml -}}
{{- end -}}

{{/* Of everything, whatever part it is. */}}
{{- define "holdfast.sharedLabels" -}}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels by which PodMonitor and NetworkPolicy find the pods, in either mode. */}}
{{- define "holdfast.podSelector" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- .Values.sidecar.podSelector | default (include "holdfast.sidecar.labels" . | fromYaml) | toYaml -}}
{{- else -}}
{{- include "holdfast.selectorLabels" . -}}
{{- end -}}
{{- end -}}

{{- define "holdfast.image" -}}
{{- with .Values.image -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "holdfast.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "holdfast.fullname" .) "default") -}}
{{- end -}}

{{- define "holdfast.configMapName" -}}
{{- .Values.existingConfigMap | default (include "holdfast.fullname" .) -}}
{{- end -}}

{{/* Empty: there are no secrets. */}}
{{- define "holdfast.secretName" -}}
{{- .Values.secrets.existingSecret | default (.Values.secrets.values | empty | ternary "" (include "holdfast.fullname" .)) -}}
{{- end -}}

{{/* Of the pod of `helm test`, which is no gateway. */}}
{{- define "holdfast.testLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{/* Names under which REST is called in the release's own namespace, one a line: the Service's, and each gateway's own. */}}
{{- define "holdfast.restNames" -}}
{{- $name := include "holdfast.fullname" . -}}
{{- $names := .Values.service.enabled | ternary (list $name) list -}}
{{- range $i := until (int .Values.replicas) -}}
{{- $names = append $names (printf "%s-%d.%s-headless" $name $i $name) -}}
{{- end -}}
{{- join "\n" $names -}}
{{- end -}}
