{{- define "fleetwright.labels" -}}
app.kubernetes.io/name: fleetwright
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fleetwright.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* What a pod of either kind is, but for its environment and its volumes. */ -}}
{{- define "fleetwright.placement" -}}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # Always, it would open the keys to the group, and the server refuses such keys.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "fleetwright.container" -}}
image: {{ include "fleetwright.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .Values.resources | nindent 2 }}
startupProbe:
  httpGet:
    path: /healthz
    port: http
    scheme: {{ include "fleetwright.scheme" . }}
  periodSeconds: 5
  failureThreshold: 60
livenessProbe:
  httpGet:
    path: /healthz
    port: http
    scheme: {{ include "fleetwright.scheme" . }}
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet:
    path: /readyz
    port: http
    scheme: {{ include "fleetwright.scheme" . }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- define "fleetwright.scheme" -}}
{{ if .Values.http.tlsSecret }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{- /* The environment that all pods have. */ -}}
{{- define "fleetwright.env" -}}
- name: FLEETWRIGHT_DATA
  value: /var/lib/fleetwright/data
- name: FLEETWRIGHT_HTTP
  value: 0.0.0.0:8080
- name: FLEETWRIGHT_LOG_FORMAT
  value: json
{{- if .Values.http.tlsSecret }}
- name: FLEETWRIGHT_HTTP_INSECURE
  value: "false"
- name: FLEETWRIGHT_TLS_CERT
  value: /etc/fleetwright-tls/tls.crt
- name: FLEETWRIGHT_TLS_KEY
  value: /etc/fleetwright-tls/tls.key
{{- else }}
- name: FLEETWRIGHT_HTTP_INSECURE
  value: "true"
{{- end }}
{{- end }}

{{- /* Where pods that serve cameras do it. */ -}}
{{- define "fleetwright.sipEnv" -}}
- name: FLEETWRIGHT_SIP
  value: 0.0.0.0:5060
{{- with .Values.sip.advertise }}
- name: FLEETWRIGHT_SIP_ADVERTISE
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "fleetwright.mounts" -}}
- name: data
  mountPath: /var/lib/fleetwright
- name: config
  mountPath: /etc/fleetwright
- name: tmp
  mountPath: /tmp
{{- if .Values.http.tlsSecret }}
- name: tls
  mountPath: /etc/fleetwright-tls
{{- end }}
{{- end }}

{{- define "fleetwright.volumes" -}}
- name: config
  configMap:
    name: {{ .Release.Name }}-config
- name: tmp
  emptyDir: {}
{{- if .Values.http.tlsSecret }}
- name: tls
  secret:
    secretName: {{ .Values.http.tlsSecret }}
    defaultMode: 0440
{{- end }}
{{- end }}
