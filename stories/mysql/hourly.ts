import { milliseconds, type StepContext, say } from 'healthz'

const hour = 3_600_000

/** An answer that is dear to the server, and the one from an hour or more before it, where there is one. */
export interface Hourly<Answer> {
  readonly answer: Answer
  readonly earlier: { readonly answer: Answer; readonly ago: number } | null
}

/**
 * Asks what is dear to the server once an hour only; in between the remembered answer counts, with a note of its
 * age. What was found wrong is asked again each time, so that it is seen to be mended.
 */
export async function hourly<Answer>(
  { recall, remember, note, now }: Pick<StepContext, 'recall' | 'remember' | 'note' | 'now'>,
  ask: () => Promise<Answer>,
  isFine: (answer: Answer) => boolean,
): Promise<Hourly<Answer>> {
  const last = recall<Kept<Answer>>()
  const age = last === null ? hour : now() - last.at
  if (last !== null && age < hour && age >= 0 && isFine(last.value.answer)) {
    note(say`as it was ${milliseconds(age)} ago; it is asked once an hour`)
    return compared(last.value, last.at)
  }
  const answer = await ask()
  const base =
    last === null || age >= hour ? last && { at: last.at, answer: last.value.answer } : last.value.base
  const kept: Kept<Answer> = { answer, base }
  remember(kept)
  return compared(kept, now())
}

interface Kept<Answer> {
  readonly answer: Answer
  readonly base: { readonly at: number; readonly answer: Answer } | null
}

function compared<Answer>({ answer, base }: Kept<Answer>, at: number): Hourly<Answer> {
  return { answer, earlier: base && { answer: base.answer, ago: at - base.at } }
}
