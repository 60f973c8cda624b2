{{/*
A Deployment of one control-plane process.
  component  its name in labels and object names, and Airflow's own subcommand
  values     its values
  tokens     whether it makes or checks tokens of the execution API
  dags       whether it reads DAGs
  strategy, grace, ports, probes  parts of the Deployment
No init container waits for migrations: the Job that runs them has ended before this chart is applied.
*/}}
{{- define "updraft.process" -}}
{{- $root := .root -}}
{{- $values := .values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $root.Release.Name }}-{{ .component }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "updraft.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  revisionHistoryLimit: {{ $root.Values.revisionHistoryLimit }}
  {{- with .strategy }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      {{- toYaml . | nindent 6 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "updraft.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "updraft.selector" . | nindent 8 }}
        {{- toYaml $root.Values.labels | nindent 8 }}
      annotations:
        # Files mounted by subPath never change in a running pod.
        checksum/airflow-config: {{ include "updraft.configuration" $root | sha256sum }}
        {{- if eq .component "scheduler" }}
        checksum/pod-template: {{ tpl $root.Values.podTemplate $root | sha256sum }}
        {{- end }}
        {{- if .dags }}
        {{- with $root.Values.dags.gitSync.knownHosts }}
        checksum/known-hosts: {{ sha256sum . }}
        {{- end }}
        {{- end }}
        cluster-autoscaler.kubernetes.io/safe-to-evict: "true"
        {{- with $root.Values.airflowPodAnnotations }}
        {{- tpl (toYaml .) $root | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $values.serviceAccount.name }}
      priorityClassName: {{ $values.priorityClassName }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .grace }}
      securityContext:
        {{- toYaml $root.Values.securityContexts.pod | nindent 8 }}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- include "updraft.selector" . | nindent 20 }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      {{- if .dags }}
      initContainers:
        {{- include "updraft.gitSync" (dict "root" $root "once" true) | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "updraft.image" $root.Values.images.airflow | quote }}
          imagePullPolicy: {{ $root.Values.images.airflow.pullPolicy }}
          args: ["airflow", {{ .component | quote }}]
          securityContext:
            {{- toYaml $root.Values.securityContexts.containers | nindent 12 }}
          {{- with $root.Values.extraEnvFrom }}
          envFrom:
            {{- tpl . $root | nindent 12 }}
          {{- end }}
          env:
            {{- include "updraft.environment" . | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- with .ports }}
          ports:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- range $kind, $probe := .probes }}
          {{ $kind }}:
            {{- $probe | nindent 12 }}
          {{- end }}
          volumeMounts:
            - name: config
              mountPath: {{ $root.Values.airflowHome }}/airflow.cfg
              subPath: airflow.cfg
              readOnly: true
            {{- include "updraft.mounts" . | nindent 12 }}
        {{- if .dags }}
        {{- include "updraft.gitSync" (dict "root" $root "once" false) | nindent 8 }}
        {{- end }}
      volumes:
        - name: config
          configMap:
            name: {{ $root.Release.Name }}-config
        {{- include "updraft.volumes" . | nindent 8 }}
{{- end }}

{{/* An API server keeps no logs of its own, so `logs` is there for the others alone. */}}
{{- define "updraft.mounts" -}}
{{- $home := .root.Values.airflowHome -}}
{{- if ne .component "api-server" }}
- name: logs
  mountPath: {{ $home }}/logs
{{- end }}
{{- if eq .component "scheduler" }}
- name: config
  mountPath: {{ $home }}/pod_templates/pod_template_file.yaml
  subPath: pod_template_file.yaml
  readOnly: true
{{- end }}
{{- if .dags }}
- name: dags
  mountPath: {{ $home }}/dags
  readOnly: true
{{- end }}
{{- with concat .root.Values.volumeMounts (.values.extraVolumeMounts | default list) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "updraft.volumes" -}}
{{- if ne .component "api-server" }}
- name: logs
  emptyDir: {}
{{- end }}
{{- if .dags }}
- name: dags
  emptyDir: {}
{{- with .root.Values.dags.gitSync.sshKeySecret }}
- name: git-sync-ssh-key
  secret:
    secretName: {{ . }}
    # git-sync reads it by its group; ssh refuses a key that others can read.
    defaultMode: 0440
{{- end }}
{{- end }}
{{- with concat .root.Values.volumes (.values.extraVolumes | default list) }}
{{ toYaml . }}
{{- end }}
{{- end }}
