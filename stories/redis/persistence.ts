import {
  ConnectionFailure,
  count,
  duration,
  milliseconds,
  type RedisConnection,
  type RedisInfo,
  say,
  time,
  z,
} from 'healthz'
import { onEachNode } from './each-node.ts'
import { saveAgain } from './save-again.ts'
import { hasSavePoints } from './save-points.ts'
import { step } from './target.ts'

/** What is to be kept reaches the disk. */
export const persistence = step({
  title: say`what is to be kept reaches the disk`,
  confirm: 1,
  limits: z.strictObject({ rdbMaxAge: duration('48h') }),
  cures: [{ title: say`save a snapshot again (BGSAVE)`, consent: 'auto' }],
  check: onEachNode(async ({ node, limits, note, problem, now }) => {
    const info = await node.info('persistence', 'replication')
    const savedAt = info.number('rdb_last_save_time') * 1000
    const changes = info.number('rdb_changes_since_last_save')
    const hasAof = info.text('aof_enabled') === '1'
    note(say`${count(changes, 'change')} since ${time(savedAt)}, the last snapshot or its start`)

    if (info.text('rdb_last_bgsave_status') !== 'ok') {
      const refuses = await refusesWrites(node, info)
      problem({
        key: 'snapshot',
        severity: refuses ? 'critical' : 'warning',
        summary: refuses
          ? say`the last snapshot could not be saved, and no writes are taken until one is (${count(changes, 'change')} unsaved)`
          : say`the last snapshot could not be saved (${count(changes, 'change')} unsaved)`,
        advice: say`look into its log for the reason: a full disk, missing rights on its directory, or too little memory for a fork (vm.overcommit_memory=1)`,
        evidence: { changes, savedAt, refusesWrites: refuses },
        resolve: saveAgain(node),
      })
    }
    if (hasAof && info.textOr('aof_last_write_status', 'ok') !== 'ok') {
      problem({
        key: 'aof-write',
        severity: 'critical',
        summary: say`the append-only file cannot be written, and no writes are taken`,
        advice: say`look into its log for the reason, most often a full disk; it goes on by itself once there is room`,
      })
    }
    if (hasAof && info.textOr('aof_last_bgrewrite_status', 'ok') !== 'ok') {
      problem({
        key: 'aof-rewrite',
        severity: 'warning',
        summary: say`the last rewrite of the append-only file failed, so the file goes on growing`,
        advice: say`look for a full disk or too little memory for a fork; then run BGREWRITEAOF`,
      })
    }
    const age = now() - savedAt
    if (changes > 0 && age > limits.rdbMaxAge && (await hasSavePoints(node))) {
      problem({
        key: 'age',
        severity: 'warning',
        summary: say`the last snapshot is ${milliseconds(age)} old (limit ${milliseconds(limits.rdbMaxAge)}), with ${count(changes, 'change')} since`,
        advice: say`run BGSAVE and look into its log; CONFIG GET save says when it should have saved by itself`,
        evidence: { ageMs: age, changes },
      })
    }
  }),
})

/** A master that refuses even a PING refuses every write; no right to read its configuration is needed to see that. */
async function refusesWrites(node: RedisConnection, info: RedisInfo): Promise<boolean> {
  if (info.textOr('role', '') !== 'master') return false
  try {
    await node.call('PING')
    return false
  } catch (error) {
    if (error instanceof ConnectionFailure && error.kind === 'read-only') return true
    if (error instanceof ConnectionFailure && error.kind === 'not-allowed') return false
    throw error
  }
}
