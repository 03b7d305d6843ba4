import { say } from 'healthz'
import { expect, test } from 'vitest'
import { ConfigFaults, printFaults } from '../../../src/config/fault.ts'
import { english } from '../../../src/core/text.ts'

const faults = [
  {
    file: 'healthz.yaml',
    line: 12,
    column: 5,
    message: say`unknown key "${'intervall'}"`,
    hint: say`did you mean "${'interval'}"?`,
  },
  { file: 'plugins/a.ts', line: 3, column: 0, message: 'broken' },
  { file: 'healthz.yaml', line: 2, column: 11, message: 'wrong' },
  { file: 'healthz.yaml', line: 0, column: 0, message: 'gone' },
]

test('faults are printed aligned, by position, with a count', () => {
  expect(printFaults(faults, english)).toBe(
    [
      'healthz.yaml       gone',
      'healthz.yaml:2:11  wrong',
      'healthz.yaml:12:5  unknown key "intervall"; did you mean "interval"?',
      'plugins/a.ts:3     broken',
      '4 faults in the configuration',
    ].join('\n'),
  )
})

test('faults are printed in the language of the reader', () => {
  const texts = {
    'unknown key "{0}"': '未知的键“{0}”',
    'did you mean "{0}"?': '是不是“{0}”？',
    '{0}; {1}': '{0}；{1}',
    '# faults in the configuration': '配置中有 # 处错误',
  }
  expect(printFaults(faults.slice(0, 1), { code: 'zh-CN', texts })).toBe(
    'healthz.yaml:12:5  未知的键“intervall”；是不是“interval”？\n配置中有 1 处错误',
  )
})

test('the error says all of them', () => {
  const error = new ConfigFaults(faults)
  expect(error.faults).toBe(faults)
  expect(error.message).toBe(printFaults(faults, english))
})
