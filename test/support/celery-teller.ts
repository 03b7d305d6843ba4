import celery from '../../stories/celery/index.ts'
import { teller } from './teller.ts'

/** The password of the user of the guide, which may stand nowhere. */
export const marker = 'hunter2SECRET'

/** Tells of the application on a broker, which may start later, as the user of the guide. */
export function celeryTeller(broker: () => string, answerWithin = '1s') {
  return (more: Record<string, unknown> = {}, steps: Record<string, Record<string, unknown>> = {}) =>
    teller(celery, { broker: broker(), user: 'healthz', password: marker, answerWithin, ...more }, steps)
}
