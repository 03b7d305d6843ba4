import { type Problem, say, type Text } from 'healthz'
import { type Channel, readChannels } from './channels.ts'
import { isCurable, networkErrors, startReplica } from './start-replica.ts'
import { step } from './target.ts'

/** Each channel of a replica fetches changes and applies them. */
export const replicaThreads = step({
  title: say`the replica fetches changes and applies them`,
  cures: [{ title: say`start fetching again after network errors (START REPLICA)`, consent: 'ask' }],
  async check({ target, options, note, problem }) {
    const channels = await readChannels(target)
    if (channels.length === 0 && options.expect === 'replica') {
      problem({
        key: 'none',
        severity: 'critical',
        summary: say`the server should be a replica, but it has no source`,
        advice: say`set up replication again (CHANGE MASTER TO or CHANGE REPLICATION SOURCE TO), or change what the entry expects`,
      })
    }
    if (channels.length === 0) note(say`it is no replica`)
    for (const channel of channels) {
      note(say`from ${channel.source}: fetching ${channel.io}, applying ${channel.sql}`)
      const found = problemOf(channel)
      if (found === null) continue
      problem({ ...found, ...(isCurable(channel) && { resolve: startReplica(target, channel) }) })
    }
  },
})

/** What is wrong with a channel; null when both of its threads run. */
export function problemOf(channel: Channel): Problem | null {
  const { name, source, io, sql, ioErrno, sqlErrno } = channel
  if (io === 'Yes' && sql === 'Yes') return null
  const evidence = { source, fetching: io, applying: sql, fetchError: ioErrno, applyError: sqlErrno }
  const said = { key: name, evidence }
  if (sql !== 'Yes' && sqlErrno !== 0) {
    const [cause, advice] = applyErrors.get(sqlErrno) ?? unknownApplyError
    const summary = say`changes from ${source} are no longer applied: ${cause} (error ${String(sqlErrno)})`
    return { ...said, severity: 'critical', summary, advice }
  }
  if (io !== 'Yes' && ioErrno !== 0) {
    const [cause, advice] = fetchErrorOf(ioErrno)
    const summary = say`changes from ${source} are no longer fetched: ${cause} (error ${String(ioErrno)})`
    return { ...said, severity: 'critical', summary, advice, ...(io === 'Connecting' && { confirm: 2 }) }
  }
  if (io !== 'Yes' && io !== 'No') {
    const summary = say`the replica is not connected to its source ${source}`
    const advice = say`look whether the source is up and can be reached from here`
    return { ...said, severity: 'critical', summary, advice, confirm: 2 }
  }
  return {
    ...said,
    severity: 'warning',
    summary: say`replication from ${source} was stopped by a person, or never started`,
    advice: say`when the work it was stopped for is done, start it again with START REPLICA (MariaDB: START SLAVE)`,
  }
}

type Words = readonly [cause: Text, advice: Text]

const networkWords: Words = [
  say`the source cannot be reached`,
  say`look whether the source is up and can be reached from here`,
]

function fetchErrorOf(errno: number): Words {
  if (networkErrors.has(errno)) return networkWords
  return (
    fetchErrors.get(oldNumbers.get(errno) ?? errno) ?? [
      say`fetching failed`,
      say`read Last_IO_Error in SHOW REPLICA STATUS on the server`,
    ]
  )
}

/** MySQL 8 gives numbers of its own to some of these. */
const oldNumbers: ReadonlyMap<number, number> = new Map([
  [13_114, 1236],
  [13_117, 1593],
])

const fetchErrors: ReadonlyMap<number, Words> = new Map<number, Words>([
  [
    1045,
    [
      say`the source refuses the login of the replica`,
      say`check the replication user and its password on the source, and give them to the replica anew`,
    ],
  ],
  [
    2061,
    [
      say`the source wants a secure connection for the password (caching_sha2_password), or its public key`,
      say`set SOURCE_SSL = 1 in CHANGE REPLICATION SOURCE TO, or GET_SOURCE_PUBLIC_KEY = 1`,
    ],
  ],
  [
    1236,
    [
      say`the source no longer has the changes that are wanted next, or cannot read them`,
      say`build the replica anew from a backup; then keep the binary logs of the source for longer`,
    ],
  ],
  [
    1593,
    [
      say`source and replica do not fit together, such as two servers of one server_id`,
      say`read Last_IO_Error in SHOW REPLICA STATUS; give each server a server_id of its own`,
    ],
  ],
])

const unknownApplyError: Words = [
  say`applying a change failed`,
  say`read Last_SQL_Error in SHOW REPLICA STATUS on the server`,
]

const diverged = say`the data of the replica differs from its source: find out who wrote to the replica, compare both and mend the difference, or build the replica anew`

const applyErrors: ReadonlyMap<number, Words> = new Map<number, Words>([
  [1062, [say`a row that should be added is there already`, diverged]],
  [1032, [say`a row that should be changed is not there`, diverged]],
  [1146, [say`a table that should be changed is not there`, diverged]],
])
