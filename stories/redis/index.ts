import { defineStory, say } from 'healthz'
import { clients } from './clients.ts'
import { cluster } from './cluster.ts'
import { configRisk } from './config-risk.ts'
import { connect } from './connect.ts'
import { evictions } from './evictions.ts'
import { fragmentation } from './fragmentation.ts'
import { guide } from './guide.ts'
import { keyFresh } from './key-fresh.ts'
import { keyLength } from './key-length.ts'
import { memory } from './memory.ts'
import { openRedis } from './open.ts'
import { options } from './options.ts'
import { persistence } from './persistence.ts'
import { replication } from './replication.ts'
import { roles } from './roles.ts'
import { sentinel } from './sentinel.ts'
import { writesRefused } from './writes-refused.ts'

/**
 * A Redis or Valkey server, alone or with its replicas; the master that sentinels name; or a Redis Cluster. The steps
 * about a server's own figures (memory, clients...) look at the master, and in a cluster at every node.
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
    sentinel,
    cluster,
    'key-length': keyLength,
    'key-fresh': keyFresh,
  },
  guide,
})
