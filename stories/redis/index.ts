import { defineStory, say } from 'healthz'
import { clients } from './clients.ts'
import { configRisk } from './config-risk.ts'
import { connect } from './connect.ts'
import { evictions } from './evictions.ts'
import { fragmentation } from './fragmentation.ts'
import { memory } from './memory.ts'
import { options } from './options.ts'
import { persistence } from './persistence.ts'
import { replication } from './replication.ts'
import { roles } from './roles.ts'
import { openRedis } from './target.ts'
import { writesRefused } from './writes-refused.ts'

/**
 * A Redis or Valkey server, alone or with its replicas. Sentinel and cluster modes and the steps about single keys
 * (`sentinel`, `cluster`, `key-length`, `key-fresh`) are still to come.
 */
export default defineStory({
  title: say`Redis`,
  scope: 'cluster',
  options,
  open: openRedis,
  steps: {
    connect,
    memory,
    evictions,
    'writes-refused': writesRefused,
    persistence,
    replication,
    roles,
    clients,
    'config-risk': configRisk,
    fragmentation,
  },
})
