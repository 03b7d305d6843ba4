import { defineStory, say } from 'healthz'
import { alias } from './alias.ts'
import { connect } from './connect.ts'
import { disk } from './disk.ts'
import { guide } from './guide.ts'
import { healthReport } from './health-report.ts'
import { heap } from './heap.ts'
import { ilm } from './ilm.ts'
import { nodes } from './nodes.ts'
import { options } from './options.ts'
import { pendingTasks } from './pending-tasks.ts'
import { readOnly } from './read-only.ts'
import { rejections } from './rejections.ts'
import { shardLimit } from './shard-limit.ts'
import { shards } from './shards.ts'
import { snapshot } from './snapshot.ts'
import { status } from './status.ts'
import { openCluster } from './target.ts'
import { writeIndex } from './write-index.ts'

/** Elasticsearch 7 to 9 and OpenSearch: all data is there, can be written and found, and there is room for more. */
export default defineStory({
  title: say`Elasticsearch`,
  scope: 'cluster',
  options,
  guide,
  open: openCluster,
  steps: {
    connect,
    status,
    nodes,
    shards,
    disk,
    'read-only': readOnly,
    heap,
    rejections,
    'pending-tasks': pendingTasks,
    'write-index': writeIndex,
    alias,
    ilm,
    'shard-limit': shardLimit,
    'health-report': healthReport,
    snapshot,
  },
})
