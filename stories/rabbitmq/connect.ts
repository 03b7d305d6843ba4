import { type ConnectionFailure, count, say } from 'healthz'
import type { AmqpPort } from './amqp.ts'
import { step } from './target.ts'

/** Every node lets the watchman in, and accepts clients. Starting the unit of one that is down is left to people. */
export const connect = step({
  title: say`every node answers`,
  async check({ target, signal, note, problem, cannotTell }) {
    const { reached, unreached, amqp } = await target.reach(signal)
    note(say`${reached.length} of ${count(reached.length + unreached.length, 'node')} reached`)
    const severity = reached.length === 0 ? 'critical' : 'warning'
    for (const failure of unreached.filter((failed) => !isUntold(failed))) {
      const { address, kind, summary } = failure
      problem({ key: address, severity, summary, advice: adviceOn(failure), evidence: { address, kind } })
    }
    const closed = amqp.filter(isClosed)
    for (const { address, failure } of closed) {
      problem({
        key: `amqp ${address}`,
        severity: closed.length === amqp.length ? 'critical' : 'warning',
        summary: say`clients cannot connect: ${failure.summary}`,
        advice: failure.kind === 'refused' ? revive : failure.advice,
        evidence: { address, kind: failure.kind },
      })
    }
    const untold = unreached.find(isUntold)
    if (untold !== undefined) cannotTell(untold.summary)
  },
})

const revive = say`start the node; one in maintenance is brought back by: rabbitmq-upgrade revive`

const adviceOn = ({ kind, advice }: ConnectionFailure) => (kind === 'refused' ? revive : advice)

/** A missing right, or trouble of this host, says nothing about a node. */
const isUntold = ({ kind }: ConnectionFailure) => kind === 'not-allowed' || kind === 'local'

const isClosed = (port: AmqpPort): port is AmqpPort & { readonly failure: ConnectionFailure } =>
  port.failure !== null
