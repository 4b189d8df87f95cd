{{/*
The gateway's container, and what its pod needs for it. `root` is the chart's context, `prefix` goes before names that another
container or volume of the pod could have, `name` is the container's.
*/}}
{{- define "holdfast.container" -}}
{{- $values := .root.Values -}}
name: {{ .name }}
image: {{ include "holdfast.image" .root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args: [start, --config, /etc/holdfast/gateway.yaml]
env:
  - name: POD_NAME
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  - name: POD_NAMESPACE
    valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
  {{- with $values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: {{ .prefix }}ops
    containerPort: {{ include "holdfast.opsPort" .root }}
    protocol: TCP
  {{- if include "holdfast.exposed" .root }}
  - name: {{ .prefix }}http
    containerPort: {{ include "holdfast.httpPort" .root }}
    protocol: TCP
  {{- end }}
startupProbe:
  httpGet: { path: /startupz, port: {{ .prefix }}ops }
  {{- toYaml $values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: {{ .prefix }}ops }
  {{- toYaml $values.probes.liveness | nindent 2 }}
{{- if or (ne $values.mode "sidecar") $values.sidecar.readiness }}
readinessProbe:
  httpGet: { path: /readyz, port: {{ .prefix }}ops }
  {{- toYaml $values.probes.readiness | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
volumeMounts:
  # Whole folders, never a subPath: the kubelet exchanges their files at once, and the gateway follows.
  - name: {{ .prefix }}config
    mountPath: /etc/holdfast
    readOnly: true
  {{- if include "holdfast.secretName" .root }}
  - name: {{ .prefix }}secrets
    mountPath: /run/secrets/holdfast
    readOnly: true
  {{- end }}
  - name: {{ .prefix }}data
    mountPath: /data
  {{- with $values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "holdfast.volumes" -}}
{{- $values := .root.Values -}}
- name: {{ .prefix }}config
  configMap:
    name: {{ include "holdfast.configMapName" .root }}
{{- with include "holdfast.secretName" .root }}
- name: {{ $.prefix }}secrets
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440: the group is fsGroup
{{- end }}
{{- if not $values.persistence.enabled }}
- name: {{ .prefix }}data
  emptyDir:
    sizeLimit: {{ $values.persistence.size }}
{{- else if $values.persistence.existingClaim }}
- name: {{ .prefix }}data
  persistentVolumeClaim:
    claimName: {{ $values.persistence.existingClaim }}
{{- end }}
{{- with $values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Empty: the data is elsewhere. */}}
{{- define "holdfast.volumeClaimTemplates" -}}
{{- with .root.Values.persistence -}}
{{- if and .enabled (not .existingClaim) -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: {{ $.prefix }}data
    labels:
      {{- include "holdfast.selectorLabels" $.root | nindent 6 }}
    {{- with .annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes:
      {{- toYaml .accessModes | nindent 6 }}
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end -}}
{{- end -}}
{{- end -}}
