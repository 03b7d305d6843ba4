import { defineStory, say } from 'healthz'
import { autoIncrement } from './auto-increment.ts'
import { connect } from './connect.ts'
import { connections } from './connections.ts'
import { galera } from './galera.ts'
import { guide } from './guide.ts'
import { lockWait } from './lock-wait.ts'
import { longTransactions } from './long-transactions.ts'
import { options } from './options.ts'
import { query } from './query.ts'
import { recoveryMode } from './recovery-mode.ts'
import { replicaLag } from './replica-lag.ts'
import { replicaThreads } from './replica-threads.ts'
import { running } from './running.ts'
import { stalls } from './stalls.ts'
import { tableSize } from './table-size.ts'
import { openServer } from './target.ts'
import { writable } from './writable.ts'

/** One MySQL or MariaDB server: it answers, has room, replicates, and nothing in it piles up or runs out. */
export default defineStory({
  title: say`MySQL`,
  options,
  // The steps share one connection: one after the other, each has its own time, and the dear ones come last.
  concurrent: false,
  open: ({ options, signal }) => openServer(options, signal),
  steps: {
    connect,
    writable,
    'recovery-mode': recoveryMode,
    connections,
    running,
    'replica-threads': replicaThreads,
    'replica-lag': replicaLag,
    'lock-wait': lockWait,
    'long-trx': longTransactions,
    stalls,
    galera,
    query,
    'auto-increment': autoIncrement,
    'table-size': tableSize,
  },
  guide,
})
