{{/* What contradicts itself is refused, all of it at once: each line says what, why and what to do. */}}
{{- define "holdfast.check" -}}
{{- $problems := list -}}
{{- range list "names" "labels" "identity" "sharing" "sidecar" "network" "storage" "stopping" "files" "monitoring" -}}
{{- $problems = concat $problems (include (printf "holdfast.check.%s" .) $ | splitList "\n" | compact) -}}
{{- end -}}
{{- with $problems -}}
{{- fail (printf "\n\nThe values of holdfast contradict themselves:\n- %s\n" (join "\n- " .)) -}}
{{- end -}}
{{- end -}}

{{- define "holdfast.check.names" -}}
{{- $name := include "holdfast.fullname" . -}}
{{- if and (eq .Values.mode "standalone") (not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) }}
The release is called {{ quote .Release.Name }}, and its Services would be called {{ quote $name }}: a Service's name begins with a letter, and has small letters, digits and - alone. Choose another release name, or set fullnameOverride.
{{- end }}
{{- end -}}

{{/* Labels and annotations that the chart gives, and others rely on. */}}
{{- define "holdfast.check.labels" -}}
{{- $given := dict "podLabels" .Values.podLabels "podAnnotations" .Values.podAnnotations "commonLabels" .Values.commonLabels -}}
{{- range $kind, $settings := .Values.metrics -}}
{{- $_ := set $given (printf "metrics.%s.labels" $kind) $settings.labels -}}
{{- end -}}
{{- $own := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart" "holdfast-service" "checksum/config" "kubectl.kubernetes.io/default-container" -}}
{{- range $value, $texts := $given -}}
{{- range $key := $own }}
{{- if hasKey $texts $key }}
{{ $value }} has {{ $key }}, which the chart sets itself. Leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How the words below call the gateways, when there are or may be several; empty: there is one. */}}
{{- define "holdfast.several" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- .Values.sidecar.singlePod | ternary "" "every pod of the parent" -}}
{{- else if gt (int .Values.replicas) 1 -}}
{{- printf "all %d replicas" (int .Values.replicas) -}}
{{- end -}}
{{- end -}}

{{/* What makes a text a pod's own. */}}
{{- define "holdfast.podVariable" -}}
\$\{({{ concat (list "POD_NAME" "HOSTNAME") .Values.uniqueEnv | join "|" }})\b
{{- end -}}

{{/* One client id, one gateway. */}}
{{- define "holdfast.check.identity" -}}
{{- $id := dig "session" "clientId" "" .Values.config | toString -}}
{{- $sidecar := eq .Values.mode "sidecar" -}}
{{- $several := include "holdfast.several" . -}}
{{- if and $several $id (not .Values.existingConfigMap) (not (regexMatch (include "holdfast.podVariable" .) $id)) }}
config.session.clientId is {{ quote $id }} in {{ $several }}: gateways with one client id end each other's connection. Put ${POD_NAME} into it{{ $sidecar | ternary ", or set sidecar.singlePod: true if the parent never has more than one pod" "" }}.
{{- end }}
{{- if and (not $id) (not .Values.persistence.enabled) (not .Values.existingConfigMap) }}
config.session.clientId is empty and persistence.enabled is false: the generated id would be forgotten with each pod, and its session left behind at the broker. Set config.session.clientId: ${POD_NAME}.
{{- end }}
{{- if and .Values.existingConfigMap $several (not .Values.existingConfigMapChecked) }}
existingConfigMap is used by several gateways, and the chart cannot look into it. See that session.clientId holds ${POD_NAME} there{{ $sidecar | ternary "" " and every filter begins with $share/" }}, then set existingConfigMapChecked: true.
{{- end }}
{{- end -}}

{{/* Several gateways share what comes, and share nothing else. In a parent's pods each app may well want everything. */}}
{{- define "holdfast.check.sharing" -}}
{{- $several := include "holdfast.several" . -}}
{{- if and $several (not .Values.existingConfigMap) -}}
{{- $standalone := eq .Values.mode "standalone" -}}
{{- range .Values.config.subscriptions }}
{{- if and $standalone (not (hasPrefix "$share/" .filter)) }}
config.subscriptions has the filter {{ quote .filter }}, and replicas is {{ int $.Values.replicas }}: each replica would get, and deliver, every message. Write $share/GROUP/{{ .filter }}, or set replicas: 1.
{{- end }}
{{- end }}
{{- $own := dict "session.canary.topic" (dig "session" "canary" "topic" "" .Values.config) "session.will.topic" (dig "session" "will" "topic" "" .Values.config) "session.birth.topic" (dig "session" "birth" "topic" "" .Values.config) "publish.request.responseTopic" (dig "publish" "request" "responseTopic" "" .Values.config) -}}
{{- range $key, $topic := $own }}
{{- if and $topic (not (regexMatch (include "holdfast.podVariable" $) $topic)) }}
config.{{ $key }} is {{ quote $topic }} in {{ $several }}: it must be a gateway's own. Put ${POD_NAME} into it{{ $standalone | ternary "" ", or set sidecar.singlePod: true if the parent never has more than one pod" }}.
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* In a parent's pod the rest is the parent's; what would be ignored is said. */}}
{{- define "holdfast.check.sidecar" -}}
{{- if eq .Values.mode "sidecar" -}}
{{- $values := .Values -}}
{{- range $key := list "extraInitContainers" "extraContainers" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "podLabels" "podAnnotations" "annotations" }}
{{- if get $values $key }}
{{ $key }} has no effect with mode: sidecar: the pod is the parent's. Say it in the parent's chart.
{{- end }}
{{- end }}
{{- if .Values.image.pullSecrets }}
image.pullSecrets has no effect with mode: sidecar: the pod is the parent's. Say it in the parent's chart.
{{- end }}
{{- if ne (int .Values.replicas) 1 }}
replicas has no effect with mode: sidecar: there is a gateway in each pod of the parent. Say it in the parent's chart.
{{- end }}
{{- end -}}
{{- end -}}

{{- define "holdfast.check.network" -}}
{{- $config := .Values.config -}}
{{- range $part := list "http" "ops" }}
{{- $port := dig $part "port" 1 $config | toString }}
{{- if not (regexMatch "^[1-9][0-9]*$" $port) }}
config.{{ $part }}.port is {{ quote $port }}: probes and Services need to know it. Write the number here.
{{- end }}
{{- end }}
{{- if eq (include "holdfast.opsPort" .) (include "holdfast.httpPort" .) }}
config.ops.port and config.http.port are both {{ include "holdfast.opsPort" . }}. Give each a port of its own.
{{- end }}
{{- $opsHost := dig "ops" "host" "0.0.0.0" $config -}}
{{- if regexMatch "^(?i:localhost|127\\..*|::1|\\[::1\\])$" $opsHost }}
config.ops.host is {{ quote $opsHost }}: the kubelet probes the pod's address and would end the gateway again and again. Set config.ops.host: 0.0.0.0.
{{- end }}
{{- if and (include "holdfast.exposed" .) (not (dig "http" "auth" "" $config)) (not .Values.existingConfigMap) }}
config.http.host is {{ dig "http" "host" "" $config | quote }} and config.http.auth is missing: whoever reaches the pod could do everything, and the gateway refuses to start. Add config.http.auth.tokens, or say config.http.auth: none.
{{- end }}
{{- with .Values.networkPolicy -}}
{{- if and .enabled .egress.enabled (not .egress.rules) }}
networkPolicy.egress.enabled is true without rules: the gateway could reach nobody, the broker included. Add its address and the subscribers' to networkPolicy.egress.rules.
{{- end }}
{{- end }}
{{- end -}}

{{- define "holdfast.check.storage" -}}
{{- $directory := dig "journal" "directory" "" .Values.config | default "./data" -}}
{{- if and (not .Values.existingConfigMap) (ne $directory "/data") (not (hasPrefix "/data/" $directory)) }}
config.journal.directory is {{ quote $directory }}, which is not on the volume: everything else is read-only. Set config.journal.directory: /data.
{{- end }}
{{- with .Values.persistence -}}
{{- $maxSize := dig "journal" "maxSize" "1GiB" $.Values.config -}}
{{- if contains "${" $maxSize }}
config.journal.maxSize is {{ quote $maxSize }}: the chart must know it to see that it fits the volume. Write the size here.
{{- else if gt (mul (include "holdfast.bytes" $maxSize) 11) (mul (include "holdfast.bytes" .size) 10) }}
persistence.size is {{ .size }} and config.journal.maxSize is {{ $maxSize }}: the journal needs a tenth more than that, for its log and a reserve. Raise persistence.size, or lower config.journal.maxSize.
{{- end }}
{{- if and .enabled .existingClaim (eq $.Values.mode "standalone") (gt (int $.Values.replicas) 1) }}
persistence.existingClaim is one volume for {{ int $.Values.replicas }} replicas: a journal belongs to one gateway. Leave it empty, or set replicas: 1.
{{- end }}
{{- end }}
{{- end -}}

{{- define "holdfast.check.stopping" -}}
{{- $drain := dig "ops" "drain" "20s" .Values.config -}}
{{- $grace := .Values.terminationGracePeriodSeconds -}}
{{- if contains "${" (toString $drain) }}
config.ops.drain is {{ quote $drain }}: the pod's grace period is made of it. Write the time here.
{{- else if and $grace (le (mul $grace 1000) (include "holdfast.milliseconds" $drain | int64)) }}
terminationGracePeriodSeconds is {{ $grace }} and config.ops.drain is {{ $drain }}: the gateway would be killed while it drains. Leave terminationGracePeriodSeconds out, raise it, or lower config.ops.drain.
{{- end }}
{{- $expiry := dig "session" "expiry" "24h" .Values.config | toString -}}
{{- if and (not (contains "${" $expiry)) (not (contains "${" (toString $drain))) (not .Values.existingConfigMap) }}
{{- $away := add (include "holdfast.gracePeriodSeconds" .) 60 }}
{{- if lt (include "holdfast.milliseconds" $expiry | int64) (mul $away 1000) }}
config.session.expiry is {{ $expiry }}: a roll-out takes up to {{ $away }} s, and the broker would forget the session and what waits in it. Set it to an hour or more.
{{- end }}
{{- end }}
{{- end -}}

{{/* What the configuration refers to is there. */}}
{{- define "holdfast.check.files" -}}
{{- $secrets := .Values.secrets -}}
{{- if and $secrets.existingSecret $secrets.values }}
secrets.existingSecret and secrets.values are both given: one Secret is mounted. Put the values into {{ $secrets.existingSecret }}, or leave secrets.existingSecret empty.
{{- end }}
{{- if and .Values.existingConfigMap .Values.files }}
existingConfigMap and files are both given: files would be nowhere. Put them into {{ .Values.existingConfigMap }}.
{{- end }}
{{- if hasKey .Values.files "gateway.yaml" }}
files has gateway.yaml, which is made of config. Write it under config, or give the file another name.
{{- end }}
{{- if not .Values.existingConfigMap }}
{{- $text := include "holdfast.config" . }}
{{- range regexFindAll "/run/secrets/holdfast/[^}\"'\\s]+" $text -1 | uniq }}
{{- $name := trimPrefix "/run/secrets/holdfast/" . }}
{{- if and (not $secrets.existingSecret) (not (hasKey $secrets.values $name)) }}
config refers to {{ . }}, and no Secret has {{ $name }}. Name one with this key in secrets.existingSecret, or add secrets.values.{{ $name }}.
{{- end }}
{{- end }}
{{- $named := dict }}
{{- range $contract, $settings := .Values.config.contracts }}
{{- $_ := set $named (printf "contracts.%s.schema" $contract) ($settings.schema | default "") }}
{{- $_ := set $named (printf "contracts.%s.class" $contract) ($settings.class | default "" | regexFind "^[^#]*") }}
{{- $_ := set $named (printf "contracts.%s.protobuf.file" $contract) (dig "protobuf" "file" "" $settings) }}
{{- end }}
{{- range $part := list "broker" "http" }}
{{- range $key := list "caFile" "certFile" "keyFile" "clientCaFile" }}
{{- $_ := set $named (printf "%s.tls.%s" $part $key) (dig $part "tls" $key "" $.Values.config) }}
{{- end }}
{{- end }}
{{- range $key, $file := $named }}
{{- if or (eq $file "") (isAbs $file) (contains "${" $file) (hasKey $.Values.files (clean $file)) }}
{{- else if contains "/" (clean $file) }}
config.{{ $key }} names the file {{ $file }}, and a ConfigMap has no folders: names in files are flat. Write {{ base $file }} here and add files.{{ base $file }}, or give the path of a volume.
{{- else }}
config.{{ $key }} names the file {{ $file }}, and files has no {{ $file }}. Add it to files, or give the path of a volume.
{{- end }}
{{- end }}
{{- $size := len $text }}
{{- range .Values.files }}
{{- $size = add $size (len .) }}
{{- end }}
{{- if gt (int $size) 1000000 }}
config and files have {{ $size }} bytes together, and a ConfigMap takes 1 MiB. Put large files on a volume: extraVolumes and extraVolumeMounts.
{{- end }}
{{- end }}
{{- end -}}

{{- define "holdfast.check.monitoring" -}}
{{- with .Values.metrics -}}
{{- if and .podMonitor.enabled .serviceMonitor.enabled }}
metrics.podMonitor and metrics.serviceMonitor are both enabled: every gateway would be counted twice. Enable one.
{{- end }}
{{- if and .serviceMonitor.enabled (eq $.Values.mode "sidecar") }}
metrics.serviceMonitor is enabled with mode: sidecar, where there is no Service. Enable metrics.podMonitor instead.
{{- end }}
{{- end }}
{{- end -}}
