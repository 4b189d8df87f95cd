{{/*
For charts that depend on this one with `mode: sidecar`; each takes this chart's context:
{{ include "holdfast.sidecar.native" .Subcharts.holdfast }}. helm/examples/sidecar-app shows all of them.
*/}}

{{/* Init container that stays: runs before the app starts and ends after it. Kubernetes 1.29 or later. */}}
{{- define "holdfast.sidecar.native" -}}
{{- include "holdfast.sidecar.wanted" . -}}
{{- if semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "\nholdfast: native sidecars need Kubernetes 1.29, and this is %s. Include \"holdfast.sidecar.container\" under containers instead." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
- {{ include "holdfast.container" (dict "root" . "prefix" "holdfast-" "name" "holdfast") | nindent 2 | trim }}
  restartPolicy: Always
{{- end -}}

{{/* Container beside the app. */}}
{{- define "holdfast.sidecar.container" -}}
{{- include "holdfast.sidecar.wanted" . -}}
- {{ include "holdfast.container" (dict "root" . "prefix" "holdfast-" "name" "holdfast") | nindent 2 | trim }}
{{- end -}}

{{/* Entries of the pod's volumes. */}}
{{- define "holdfast.sidecar.volumes" -}}
{{- include "holdfast.volumes" (dict "root" . "prefix" "holdfast-") -}}
{{- end -}}

{{/* Entries of the StatefulSet's volumeClaimTemplates; empty without persistence. */}}
{{- define "holdfast.sidecar.volumeClaimTemplates" -}}
{{- include "holdfast.volumeClaimTemplates" (dict "root" . "prefix" "holdfast-") -}}
{{- end -}}

{{/* Annotations of the pod: a change that the gateway cannot reload rolls it. */}}
{{- define "holdfast.sidecar.annotations" -}}
{{- with include "holdfast.checksum" . -}}
checksum/holdfast-config: {{ . | quote }}
{{- end -}}
{{- end -}}

{{/* Labels of the pod: PodMonitor and NetworkPolicy find it by them. */}}
{{- define "holdfast.sidecar.labels" -}}
holdfast-gateway: {{ include "holdfast.fullname" . }}
{{- end -}}

{{/* What the pod's securityContext must hold, so that the gateway can write its volume and read its secrets. */}}
{{- define "holdfast.sidecar.podSecurityContext" -}}
{{- pick .Values.podSecurityContext "fsGroup" "fsGroupChangePolicy" "seccompProfile" | toYaml -}}
{{- end -}}

{{/* Seconds the gateway needs to stop. A native sidecar begins when the app has ended: add the app's own. */}}
{{- define "holdfast.sidecar.gracePeriodSeconds" -}}
{{- include "holdfast.gracePeriodSeconds" . -}}
{{- end -}}

{{- define "holdfast.sidecar.wanted" -}}
{{- if ne .Values.mode "sidecar" -}}
{{- fail "\nholdfast: this chart includes the gateway as a sidecar, but holdfast.mode is standalone, which would run it a second time. Set holdfast.mode: sidecar." -}}
{{- end -}}
{{- end -}}
