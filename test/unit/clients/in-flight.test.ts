import { expect, test } from 'vitest'
import { shareInFlight } from '../../../src/clients/in-flight.ts'

test('those who ask together share one answer, later ones ask anew', async () => {
  let asked = 0
  const ask = shareInFlight(async () => {
    asked += 1
    return asked
  })
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1])
  expect(await ask()).toBe(2)
})

test('a failure is shared too, and not kept', async () => {
  let isBroken = true
  const ask = shareInFlight(async () => {
    if (isBroken) throw new Error('broken')
    return 'well'
  })
  const answers = await Promise.allSettled([ask(), ask()])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  isBroken = false
  expect(await ask()).toBe('well')
})
