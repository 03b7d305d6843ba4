import { shareInFlight } from 'healthz'
import type { Question } from './pidbox.ts'
import type { Answers, Broker, InspectMethod } from './workers.ts'

/** Lets the steps that ask the same at the same moment share one question. */
export function sharedAsk(
  tell: (question: Question, signal: AbortSignal) => Promise<Answers>,
): Broker['ask'] {
  const asks = new Map<InspectMethod, Broker['ask']>()
  return (method, signal) => {
    const ask = asks.get(method) ?? shareInFlight((asked, within) => tell({ method: asked }, within))
    asks.set(method, ask)
    return ask(method, signal)
  }
}
