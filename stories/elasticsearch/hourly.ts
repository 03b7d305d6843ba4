import { milliseconds, type StepContext, say } from 'healthz'

const hour = 3_600_000

/**
 * Asks what changes slowly once an hour only; in between the remembered answer counts, with a note of its age. What
 * was found wrong is asked again each time, so that it is seen to be mended.
 */
export async function hourly<Answer>(
  { recall, remember, note, now }: Pick<StepContext, 'recall' | 'remember' | 'note' | 'now'>,
  ask: () => Promise<Answer>,
  isFine: (answer: Answer) => boolean,
): Promise<Answer> {
  const last = recall<Answer>()
  const age = last === null ? hour : now() - last.at
  if (last !== null && age >= 0 && age < hour && isFine(last.value)) {
    note(say`as it was ${milliseconds(age)} ago; it is asked once an hour`)
    return last.value
  }
  const answer = await ask()
  remember(answer)
  return answer
}
