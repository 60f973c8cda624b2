{{/* git-sync once, before the process starts (once: true), or for ever beside it. */}}
{{- define "updraft.gitSync" -}}
{{- $sync := .root.Values.dags.gitSync -}}
- name: {{ ternary "git-sync-init" "git-sync" .once }}
  image: {{ include "updraft.image" .root.Values.images.gitSync | quote }}
  imagePullPolicy: {{ .root.Values.images.gitSync.pullPolicy }}
  securityContext:
    {{- toYaml $sync.securityContexts.container | nindent 4 }}
  env:
    - name: GITSYNC_REPO
      value: {{ $sync.repo | quote }}
    - name: GITSYNC_REF
      value: {{ $sync.ref | quote }}
    - name: GITSYNC_DEPTH
      value: {{ $sync.depth | quote }}
    - name: GITSYNC_ROOT
      value: /git
    - name: GITSYNC_LINK
      value: repo
    - name: GITSYNC_PERIOD
      value: {{ $sync.period | quote }}
    - name: GITSYNC_MAX_FAILURES
      value: {{ $sync.maxFailures | quote }}
    {{- if .once }}
    - name: GITSYNC_ONE_TIME
      value: "true"
    {{- end }}
    {{- with $sync.credentialsSecret }}
    {{- include "updraft.secretVariable" (dict "name" "GITSYNC_USERNAME" "secret" . "key" "GITSYNC_USERNAME") | nindent 4 }}
    {{- include "updraft.secretVariable" (dict "name" "GITSYNC_PASSWORD" "secret" . "key" "GITSYNC_PASSWORD") | nindent 4 }}
    {{- end }}
    {{- if $sync.sshKeySecret }}
    - name: GITSYNC_SSH_KEY_FILE
      value: /etc/git-secret/ssh
    - name: GITSYNC_SSH_KNOWN_HOSTS
      value: "true"
    - name: GITSYNC_SSH_KNOWN_HOSTS_FILE
      value: /etc/git-secret/known_hosts
    # ssh wants a name for the user that it runs as.
    - name: GITSYNC_ADD_USER
      value: "true"
    {{- end }}
  resources:
    {{- toYaml $sync.resources | nindent 4 }}
  volumeMounts:
    - name: dags
      mountPath: /git
    {{- if $sync.sshKeySecret }}
    - name: git-sync-ssh-key
      mountPath: /etc/git-secret/ssh
      subPath: gitSshKey
      readOnly: true
    - name: config
      mountPath: /etc/git-secret/known_hosts
      subPath: known_hosts
      readOnly: true
    {{- end }}
    {{- with $sync.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
