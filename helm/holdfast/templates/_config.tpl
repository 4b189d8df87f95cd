{{/* What the chart has to know of the gateway's configuration, with the gateway's own defaults. */}}

{{/* The file. Who gives `urls` does not want the default `url` beside them. */}}
{{- define "holdfast.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- with $config.broker -}}
{{- if and .urls (eq (.url | default "") "mqtt://broker:1883") -}}
{{- $_ := unset . "url" -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "holdfast.opsPort" -}}{{ dig "ops" "port" 9090 .Values.config }}{{- end -}}
{{- define "holdfast.httpPort" -}}{{ dig "http" "port" 8080 .Values.config }}{{- end -}}
{{- define "holdfast.httpScheme" -}}{{ dig "http" "tls" dict .Values.config | empty | ternary "http" "https" }}{{- end -}}

{{/* Not empty: REST can be reached from outside the pod. */}}
{{- define "holdfast.exposed" -}}
{{- dig "http" "host" "127.0.0.1" .Values.config | regexMatch "^(?i:localhost|127(\\.[0-9]{1,3}){3}|::1|\\[::1\\])$" | ternary "" "yes" -}}
{{- end -}}

{{/* `500ms 30s 5m 24h 7d` in milliseconds. */}}
{{- define "holdfast.milliseconds" -}}
{{- $units := dict "" 1 "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 -}}
{{- mul (toString . | regexFind "^[0-9]+" | int64) (get $units (toString . | regexFind "[a-z]*$")) -}}
{{- end -}}

{{/* `64KiB` of the gateway and `2Gi`, `1.5G` of Kubernetes in bytes. */}}
{{- define "holdfast.bytes" -}}
{{- $units := dict "k" 1e3 "K" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 -}}
{{- $unit := toString . | regexFind "[a-zA-Z]*$" | trimSuffix "B" -}}
{{- mulf (toString . | regexFind "^[0-9.]+" | float64) (get $units $unit | default 1 | float64) | ceil | int64 -}}
{{- end -}}

{{/* Seconds the gateway may take to stop, and some for the process to go. */}}
{{- define "holdfast.gracePeriodSeconds" -}}
{{- $computed := add (divf (include "holdfast.milliseconds" (dig "ops" "drain" "20s" .Values.config)) 1000 | ceil) 10 -}}
{{- .Values.terminationGracePeriodSeconds | default $computed | int64 -}}
{{- end -}}

{{/*
Of what a change must roll the pods: not what the gateway reloads while it runs. Whether there are tokens takes a restart,
which ones there are does not.
*/}}
{{- define "holdfast.checksum" -}}
{{- $config := omit (include "holdfast.config" . | fromYaml) "contracts" "subscribers" "subscriptions" -}}
{{- if not (omit ($config.publish | default dict) "contracts") -}}{{- $_ := unset $config "publish" -}}{{- else -}}{{- $_ := unset $config.publish "contracts" -}}{{- end -}}
{{- if kindIs "map" (dig "http" "auth" "" $config) -}}{{- $_ := unset $config.http.auth "tokens" -}}{{- end -}}
{{- if not .Values.existingConfigMap -}}{{ $config | toJson | sha256sum }}{{- end -}}
{{- end -}}

{{/* Keys of `config` that are secrets and stand there in words, one a line: everybody may read a ConfigMap. */}}
{{- define "holdfast.literalSecrets" -}}
{{- $config := .Values.config -}}
{{- $found := dict "broker.password" (dig "broker" "password" "" $config) -}}
{{- $_ := set $found "broker.wsHeaders" (dig "broker" "wsHeaders" dict $config | include "holdfast.authorization") -}}
{{- $_ := set $found "tracing.headers" (dig "tracing" "headers" dict $config | include "holdfast.authorization") -}}
{{- $auth := dig "http" "auth" "" $config -}}
{{- if kindIs "map" $auth -}}
{{- range $auth.tokens -}}{{- $_ := set $found (printf "http.auth.tokens (%s)" .name) .token -}}{{- end -}}
{{- end -}}
{{- range $config.subscribers -}}
{{- $key := printf "subscribers (%s)" .id -}}
{{- $_ := set $found (printf "%s.signing.secrets" $key) (dig "signing" "secrets" list . | default list | join "\n") -}}
{{- $_ := set $found (printf "%s.auth.bearer" $key) (dig "auth" "bearer" "" .) -}}
{{- $_ := set $found (printf "%s.auth.basic.password" $key) (dig "auth" "basic" "password" "" .) -}}
{{- $_ := set $found (printf "%s.headers" $key) (dig "headers" dict . | include "holdfast.authorization") -}}
{{- end -}}
{{- range $key, $texts := $found -}}
{{- range splitList "\n" (toString $texts) -}}
{{- if and . (not (contains "${" .)) -}}{{- printf "%s\n" $key -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "holdfast.authorization" -}}
{{- range $name, $text := . -}}{{- if eq (lower $name) "authorization" -}}{{ $text }}{{- end -}}{{- end -}}
{{- end -}}
