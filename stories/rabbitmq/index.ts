import { defineStory, say } from 'healthz'
import { alarms } from './alarms.ts'
import { backlog } from './backlog.ts'
import { certificates } from './certificates.ts'
import { connect } from './connect.ts'
import { deadLetters } from './dead-letters.ts'
import { expectedQueues } from './expected-queues.ts'
import { guide } from './guide.ts'
import { noConsumer } from './no-consumer.ts'
import { nodes } from './nodes.ts'
import { options } from './options.ts'
import { quorum } from './quorum.ts'
import { resources } from './resources.ts'
import { openBroker } from './target.ts'
import { unacknowledged } from './unacknowledged.ts'
import { unroutable } from './unroutable.ts'
import { version } from './version.ts'
import { vhosts } from './vhosts.ts'

/** A RabbitMQ, seen through its management API: messages come in, are worked off, and nothing is lost. */
export default defineStory({
  title: say`RabbitMQ`,
  scope: 'cluster',
  options,
  open: openBroker,
  steps: {
    connect,
    alarms,
    nodes,
    backlog,
    'no-consumer': noConsumer,
    unacked: unacknowledged,
    'expected-queues': expectedQueues,
    quorum,
    resources,
    unroutable,
    dlq: deadLetters,
    vhosts,
    version,
    cert: certificates,
  },
  guide,
})
