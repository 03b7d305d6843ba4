/**
 * Lets those who ask at the same moment share one answer: while a call is under way, others get its promise. The
 * steps of a telling ask together, a later telling asks anew.
 */
export function shareInFlight<Arguments extends readonly unknown[], Answer>(
  ask: (...given: Arguments) => Promise<Answer>,
): (...given: Arguments) => Promise<Answer> {
  let underWay: Promise<Answer> | null = null
  return (...given) => {
    underWay ??= ask(...given).finally(() => {
      underWay = null
    })
    return underWay
  }
}
