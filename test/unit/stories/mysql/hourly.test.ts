import { expect, test } from 'vitest'
import { hourly } from '../../../../stories/mysql/hourly.ts'

const minute = 60_000

/** A step's memory on a clock that a test moves. */
function memory() {
  let at = 0
  let kept: { at: number; value: unknown } | null = null
  const notes: unknown[] = []
  return {
    notes,
    pass: (ms: number) => {
      at += ms
    },
    context: {
      recall: <Sample>() => kept as { at: number; value: Sample } | null,
      remember: (value: unknown) => {
        kept = { at, value: JSON.parse(JSON.stringify(value)) }
      },
      note: (text: unknown) => void notes.push(text),
      now: () => at,
    },
  }
}

test('a good answer counts for an hour, with a note of its age', async () => {
  const { context, notes, pass } = memory()
  let asked = 0
  const tell = () =>
    hourly(
      context,
      async () => ++asked,
      () => true,
    )
  expect(await tell()).toEqual({ answer: 1, earlier: null })
  pass(25 * minute)
  expect(await tell()).toEqual({ answer: 1, earlier: null })
  expect(notes).toMatchObject([{ values: [{ ms: 25 * minute }] }])
  pass(35 * minute)
  expect(await tell()).toEqual({ answer: 2, earlier: { answer: 1, ago: 60 * minute } })
})

test('what is wrong is asked each time, and compared with an answer of an hour ago or more', async () => {
  const { context, pass } = memory()
  let asked = 0
  const tell = () =>
    hourly(
      context,
      async () => ++asked,
      () => false,
    )
  await tell()
  pass(minute)
  expect(await tell()).toEqual({ answer: 2, earlier: null })
  pass(60 * minute)
  expect(await tell()).toEqual({ answer: 3, earlier: { answer: 2, ago: 60 * minute } })
  pass(minute)
  expect(await tell()).toEqual({ answer: 4, earlier: { answer: 2, ago: 61 * minute } })
})

test('nothing is remembered of an answer that did not come', async () => {
  const { context } = memory()
  const fail = async () => {
    throw new Error('no right')
  }
  await expect(hourly(context, fail, () => true)).rejects.toThrow('no right')
  expect(context.recall()).toBeNull()
})
