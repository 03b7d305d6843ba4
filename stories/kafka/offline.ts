import { count, say } from 'healthz'
import { commonLoss, wordsOnLoss } from './loss.ts'
import { admitHidden, listOf } from './picture.ts'
import { step } from './target.ts'

/** Every partition can be read and written. */
export const offline = step({
  title: say`every partition has a leader`,
  confirm: 2,
  async check({ target, options, signal, note, problem, cannotTell }) {
    const picture = await target.picture(signal)
    const partitions = picture.topics.flatMap((topic) => topic.partitions)
    note(say`${count(partitions.length, 'partition')} in ${count(picture.topics.length, 'topic')}`)
    const without = partitions.filter(({ leader }) => leader < 0)
    if (without.length > 0) {
      const lost = commonLoss(picture, without)
      problem({
        severity: 'critical',
        summary: say`${without.length} of ${count(partitions.length, 'partition')} without a leader, so that nobody can use them: ${listOf(without)}`,
        advice: say`${wordsOnLoss(lost)}; only if its disk is lost for good, an unclean election gives up what the others do not have`,
        evidence: { partitions: without.length, brokers: lost.map(({ id }) => id).join(', ') },
      })
    }
    for (const topic of picture.missing) {
      problem({
        key: topic,
        severity: 'critical',
        summary: say`the topic ${topic} does not exist`,
        advice: say`create it again, or correct its name in this entry`,
        evidence: { topic },
      })
    }
    admitHidden(picture, options, cannotTell)
  },
})
