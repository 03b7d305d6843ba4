import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: elasticsearch
  name: search
  with:
    nodes: [https://es1:9200, https://es2:9200, https://es3:9200]
    user: healthz
    password: \${ES_PASSWORD}
    ca: \${file:/etc/ssl/es-ca.pem}
    families: [{ write: write_logs, read: logs, daily: true, timeZone: Asia/Shanghai }]
    repositories: [backup]
`,
  rights: `Elasticsearch, config/roles.yml (or the same by PUT /_security/role/healthz):

  healthz:
    # read_ilm: step ilm. monitor_snapshot: step snapshot with repositories. read_slm: with policies.
    cluster: [monitor, read_ilm, monitor_snapshot, read_slm]
    indices:
      - names: ['*']
        privileges: [view_index_metadata]
        allow_restricted_indices: true

  Its cures need more: manage (cluster) to place shards again; manage on the indices to take blocks off;
  manage_ilm on the indices to go on with a lifecycle.

OpenSearch, config/opensearch-security/roles.yml (or the same by the security API):

  healthz:
    cluster_permissions:
      - cluster_monitor
      # step snapshot, with repositories and with policies
      - cluster:admin/snapshot/get
      - cluster:admin/opensearch/snapshot_management/policy/explain
      # step ilm
      - cluster:admin/opendistro/ism/managedindex/explain
    index_permissions:
      - index_patterns: ['*']
        allowed_actions: ['indices:monitor/settings/get', 'indices:admin/aliases/get']

  Its cures need more: cluster:admin/reroute; indices:admin/settings/update on the indices;
  cluster:admin/opendistro/ism/managedindex/retry.
`,
}
