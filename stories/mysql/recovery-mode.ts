import { say } from 'healthz'
import { numberOf, step } from './target.ts'

/** InnoDB runs normally, not in the mode that is there to rescue data. */
export const recoveryMode = step({
  title: say`InnoDB does not run in recovery mode`,
  confirm: 1,
  async check({ target, problem, cannotTell }) {
    const [row] = await target.ask('select @@global.innodb_force_recovery as level')
    const level = numberOf(row, 'level')
    if (level === null) return cannotTell(say`the server does not say whether it is in recovery mode`)
    if (level === 0) return
    problem({
      severity: 'critical',
      summary: say`InnoDB runs in recovery mode (innodb_force_recovery is ${level}): tables may be read-only, and the data is suspect`,
      advice: say`dump the data, build the server anew from the dump or a backup, then take innodb_force_recovery out of its configuration`,
      evidence: { level },
    })
  },
})
