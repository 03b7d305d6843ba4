import { count, say } from 'healthz'
import { step } from './target.ts'
import { addressOf } from './unopened.ts'

/** Every broker lets the watchman in: at the addresses of the entry, and at those that the brokers give to clients. */
export const connect = step({
  title: say`every broker answers`,
  confirm: 2,
  async check({ target, options, signal, note, problem, cannotTell }) {
    const { brokers } = await target.picture(signal)
    const given = options.brokers.map(addressOf)
    const advertised = [...brokers].filter(([, place]) => !given.includes(addressOf(place)))
    const { reached, unreached } = await target.reach(
      [...options.brokers, ...advertised.map(([, place]) => place)],
      signal,
    )
    note(
      say`${reached.length} of ${count(reached.length + unreached.length, 'address', 'addresses')} reached`,
    )
    const told = unreached.filter(({ kind }) => kind !== 'local' && kind !== 'not-allowed')
    for (const { address, kind, summary, advice } of told.slice(0, mostTold)) {
      const [id] = advertised.find(([, place]) => addressOf(place) === address) ?? []
      problem({
        key: address,
        severity: 'warning',
        summary:
          id === undefined
            ? summary
            : say`broker ${id} gives clients an address that does not work: ${summary}`,
        advice:
          id === undefined
            ? advice
            : say`if the broker runs, correct its advertised.listeners: clients are sent there; otherwise start it`,
        evidence: { address, kind, broker: id ?? null },
      })
    }
    const untold = unreached.find((failure) => !told.includes(failure))
    if (untold !== undefined) cannotTell(untold.summary)
  },
})

const mostTold = 20
