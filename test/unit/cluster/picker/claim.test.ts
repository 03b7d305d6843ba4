import { describe, expect, it } from 'vitest'
import { idlePicker, step } from '../../../../src/cluster/picker/picker.ts'
import type { PickerEvent, Word } from '../../../../src/cluster/picker/types.ts'
import { lanPicker, outage } from '../../../support/cluster/picker-world.ts'

describe('a peer that wants to be the voice', () => {
  const settings = { self: 'b', ...lanPicker }
  const word = {
    name: 'c',
    age: 0,
    hops: 0,
    fault: 'unreachable',
    beatAge: 9000,
    canTell: true,
    speaks: false,
  } as const
  const hears = (from: string, more: Partial<Word> = {}): PickerEvent => {
    return { type: 'heard', from, outage, words: [{ ...word, name: from, ...more }], told: [] }
  }

  /** What node `b` answers `c` after these events; `a` comes before it in the order, `c` after. */
  function answerAfter(...events: readonly PickerEvent[]): boolean | undefined {
    const blind: PickerEvent = { type: 'own', canTell: true, seesRedis: false }
    let state = idlePicker
    let answer: boolean | undefined
    for (const event of [blind, ...events, { type: 'asked', from: 'c' } as const]) {
      const next = step(state, event, 1000, settings)
      state = next.state
      for (const command of next.commands) if (command.type === 'answer') answer = command.granted
    }
    return answer
  }
  const begin: PickerEvent = { type: 'begin', outage, order: ['a', 'b', 'c'] }
  const suspect: PickerEvent = { type: 'suspect', order: ['a', 'b', 'c'] }

  it('may, where nobody it should wait for is known', () => {
    expect(answerAfter(hears('c'))).toBe(true)
    expect(answerAfter(suspect, hears('c'))).toBe(true)
    const mute: PickerEvent = { type: 'own', canTell: false, seesRedis: false }
    expect(answerAfter(begin, mute, hears('c'))).toBe(true)
  })

  it('may not, where this node sees Redis or knows one that does', () => {
    expect(answerAfter({ type: 'own', canTell: true, seesRedis: true }, hears('c'))).toBe(false)
    expect(answerAfter(begin, hears('d', { fault: null, beatAge: 100 }))).toBe(false)
  })

  it('may not, where this node or one it hears is to speak rather', () => {
    expect(answerAfter(begin, hears('c'))).toBe(false)
    expect(answerAfter(suspect, hears('a'), hears('c'))).toBe(false)
    expect(answerAfter(suspect, hears('a', { canTell: false }), hears('c'))).toBe(true)
  })

  it('may not, where another one speaks', () => {
    expect(answerAfter(begin, hears('d', { speaks: true }), hears('c'))).toBe(false)
    expect(answerAfter(begin, hears('c', { speaks: true }))).toBe(true)
  })

  it('may by its name, whatever the order, where this node claims at the same moment', () => {
    const answerTo = (from: string) => {
      let state = idlePicker
      let answer: boolean | undefined
      const feed = (event: PickerEvent, at: number) => {
        const next = step(state, event, at, settings)
        state = next.state
        for (const command of next.commands) if (command.type === 'answer') answer = command.granted
      }
      feed({ type: 'own', canTell: true, seesRedis: false }, 0)
      feed({ ...begin, order: ['b', 'a', 'c'] }, 0)
      feed(hears(from), 900)
      feed({ type: 'due' }, 1000)
      expect(state.claim).not.toBeNull()
      feed({ type: 'asked', from }, 1001)
      return answer
    }
    expect([answerTo('a'), answerTo('c')]).toEqual([true, false])
  })

  it('is waited for, and a refusal heeded until patience ends', () => {
    const commandsOf = (refusals: boolean) => {
      let state = idlePicker
      const seen: { type: string; at: number }[] = []
      const feed = (event: PickerEvent, at: number) => {
        const next = step(state, event, at, { self: 'b', ...lanPicker })
        state = next.state
        for (const command of next.commands) {
          seen.push({ type: command.type, at })
          if (command.type === 'claim') {
            feed({ type: 'answered', id: command.id, from: 'c', granted: !refusals }, at)
          }
        }
      }
      feed({ type: 'own', canTell: true, seesRedis: false }, 0)
      feed({ ...begin, order: ['b', 'c'] }, 0)
      for (let at = 0; at <= 6000; at += 100) {
        feed(hears('c'), at)
        feed({ type: 'due' }, at)
      }
      return {
        claimed: seen.find(({ type }) => type === 'claim')?.at,
        spoke: seen.find(({ type }) => type === 'speak')?.at,
      }
    }
    expect(commandsOf(false)).toEqual({ claimed: 1000, spoke: 1000 })
    expect(commandsOf(true)).toEqual({ claimed: 1000, spoke: 3000 })
  })
})
