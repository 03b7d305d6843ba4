import { expect, test } from 'vitest'
import { entry, faultsOf } from './fixtures.ts'

const paced = (...lines: readonly string[]) => entry('with: { url: redis://h }', ...lines)
const hint = 'write five fields, or six with the second first: "*/10 * * * *"'

test.each([
  ['both ways', ['every: 1m', 'cron: "* * * * *"'], '5:5  an entry has either "every" or "cron", not both'],
  ['a time zone without cron', ['timezone: UTC'], '4:5  "timezone" goes with "cron", and there is none'],
  [
    'a field out of range',
    ['cron: "0 25 * * *"'],
    `4:11  "cron" is not a cron expression: its field hour is wrong; ${hint}`,
  ],
  ['too few fields', ['cron: "* * *"'], `4:11  "cron" is not a cron expression; ${hint}`],
  [
    'an impossible day',
    ['cron: "0 0 31 2 *"'],
    `4:11  "cron" is not a cron expression: its field dayOfMonth is wrong; ${hint}`,
  ],
  [
    'an unknown time zone',
    ['cron: "* * * * *"', 'timezone: Asia/Shangai'],
    '5:15  "timezone" is no time zone that is known here; did you mean "Asia/Shanghai"?',
  ],
])('%s is told with its place', async (_what, lines, fault) => {
  expect(await faultsOf(paced(...lines))).toEqual([fault])
})

test.each(['* * * * *', '*/5 * * * * *', '@daily', '0 9 * * mon-fri'])(
  '%s is a cron expression',
  async (cron) => {
    expect(await faultsOf(paced(`cron: "${cron}"`, 'timezone: Asia/Shanghai'))).toEqual([])
  },
)
